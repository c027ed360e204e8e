//! At start: whether the database's user may act as the roles its process needs, and whether they hold it back.

use sqlx::PgConnection;

use crate::database_role::DatabaseRole;
use crate::{OpenError, ProcessRole, migrations};

/// Looks at roles and schema. A schema that is too old explains a role that is not there, so it is told first.
pub(crate) async fn check(login: &mut PgConnection, process: ProcessRole) -> Result<(), OpenError> {
    let mut refused = None;
    for role in process.database_roles() {
        if !act_as(login, *role).await? {
            refused = refused.or(Some(OpenError::Role(role.name())));
        }
    }
    match (migrations::check(login).await, refused) {
        (Err(older @ OpenError::OlderSchema { .. }), _) => return Err(older),
        // Without its roles a user may not even look at the schema.
        (_, Some(refused)) => return Err(refused),
        (checked, None) => checked?,
    }
    if can_bypass(login, process).await? {
        tracing::warn!(
            "the database user can set row-level security aside: use one that owns nothing and is a member of the \
             token_broker roles alone"
        );
    }
    Ok(())
}

/// `false`: there is no such role (22023), or the user is no member of it (42501).
async fn act_as(login: &mut PgConnection, role: DatabaseRole) -> Result<bool, OpenError> {
    match sqlx::query_scalar!("SELECT set_config('role', $1, false)", role.name()).fetch_one(login).await {
        Ok(_) => Ok(true),
        Err(sqlx::Error::Database(refusal))
            if refusal.code().is_some_and(|code| ["22023", "42501"].contains(&code.as_ref())) =>
        {
            Ok(false)
        }
        Err(error) => Err(OpenError::Unreachable(error)),
    }
}

/// Whether the user is a superuser, owns the tables or has BYPASSRLS, or one of the roles was given such power.
async fn can_bypass(login: &mut PgConnection, process: ProcessRole) -> Result<bool, OpenError> {
    let roles: Vec<String> = process.database_roles().iter().map(|role| role.name().to_owned()).collect();
    sqlx::query_scalar!(
        r#"SELECT pg_has_role(session_user, c.relowner, 'MEMBER')
               OR EXISTS (SELECT 1 FROM pg_roles r
                          WHERE (r.rolname = session_user OR r.rolname = ANY ($1))
                            AND (r.rolsuper OR r.rolbypassrls)) AS "can!"
           FROM pg_class c WHERE c.oid = 'grants'::regclass"#,
        &roles,
    )
    .fetch_one(login)
    .await
    .map_err(OpenError::Unreachable)
}
