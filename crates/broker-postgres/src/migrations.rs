//! The schema, embedded: one line here for each file of `migrations/postgres`.

use sqlx::migrate::{Migrate, MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection, SqlSafeStr};

use crate::OpenError;
use crate::open::parse;

macro_rules! files {
    ($($number:literal $name:literal),* $(,)?) => {
        &[$(($number, $name, include_str!(concat!("../../../migrations/postgres/", $name, ".sql")))),*]
    };
}

const FILES: &[(i64, &str, &str)] = files!(
    1 "0001_tenants",
    2 "0002_grants",
    3 "0003_attempts",
    4 "0004_fleet",
    5 "0005_claim",
    6 "0006_sent",
    7 "0007_adopt",
    8 "0008_close",
    9 "0009_heartbeat",
    10 "0010_access",
    11 "0011_registrations",
    12 "0012_operators",
    13 "0013_revocations",
    14 "0014_deletions",
    15 "0015_keys",
    16 "0016_audit",
    18 "0018_rotation_requests",
    19 "0019_quotas",
    20 "0020_isolation",
    21 "0021_hosted_callbacks",
    22 "0022_device",
    23 "0023_reconsent",
    24 "0024_windows",
    25 "0025_machine_credentials",
    26 "0026_events",
    28 "0028_watch",
    29 "0029_webhooks",
    30 "0030_minted_credentials",
    31 "0031_request_traces",
    32 "0032_account_sharers",
);

/// Brings the schema of the database at `url` up to date: what `token-broker migrate` does. Idempotent; of several
/// at once one works and the others wait for it. A schema that is newer is left alone.
pub async fn migrate(url: &str) -> Result<(), OpenError> {
    let mut connection = connect(&parse(url)?).await.map_err(OpenError::Unreachable)?;
    let migrated = run(&mut connection).await;
    // Whether the server hears of the end changes nothing.
    let _ = connection.close().await;
    migrated
}

/// No limits on statements here: building an index may take its time.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, sqlx::Error> {
    options
        .clone()
        .application_name("token-broker migrate")
        // The owner is held to row-level security as everybody is.
        .options([("token_broker.tenant", "*")])
        .disable_statement_logging()
        .connect()
        .await
}

async fn run(connection: &mut PgConnection) -> Result<(), OpenError> {
    match migrator().run_direct(None, connection, false).await {
        Ok(()) => Ok(()),
        Err(MigrateError::VersionMissing(found)) if found > known() => Ok(()),
        Err(error) => Err(refused(error)),
    }
}

/// TB001: what `0020_isolation.sql` says when it cannot create a role. 42501: what the server says of anything that is
/// not the user's to do.
fn refused(error: MigrateError) -> OpenError {
    let of_server = match &error {
        MigrateError::Execute(sqlx::Error::Database(refusal))
        | MigrateError::ExecuteMigration(sqlx::Error::Database(refusal), _) => refusal.code(),
        _ => None,
    };
    match of_server.as_deref() {
        Some("TB001") => OpenError::MissingRoles(error),
        Some("42501") => OpenError::NotOwner(error),
        _ => OpenError::Schema(error),
    }
}

/// Whether this program can work with the schema it finds. An expand step leaves what is there as it was, so a program
/// that knows nothing of it works on; a contract step raises `oldest_program`.
pub(crate) async fn check(connection: &mut PgConnection) -> Result<(), OpenError> {
    let found = found(connection).await?;
    if found < known() {
        return Err(OpenError::OlderSchema { found, known: known() });
    }
    let oldest_program = sqlx::query_scalar!("SELECT oldest_program FROM installation")
        .fetch_one(connection)
        .await
        .map_err(OpenError::Unreachable)?;
    match oldest_program <= known() {
        true if found > known() => {
            tracing::warn!(
                found,
                known = known(),
                "the schema is newer than this version: update this replica soon"
            );
            Ok(())
        }
        true => Ok(()),
        false => Err(OpenError::NewerSchema { found, known: known() }),
    }
}

/// The number of the last migration that was applied; 0 in an empty database.
async fn found(connection: &mut PgConnection) -> Result<i64, OpenError> {
    if let Some(unfinished) =
        connection.dirty_version("_sqlx_migrations").await.or_else(none_in_an_empty_database)?
    {
        return Err(OpenError::Schema(MigrateError::Dirty(unfinished)));
    }
    let applied =
        connection.list_applied_migrations("_sqlx_migrations").await.or_else(none_in_an_empty_database)?;
    Ok(applied.iter().map(|migration| migration.version).max().unwrap_or(0))
}

/// 42P01: there is no such table.
fn none_in_an_empty_database<T: Default>(error: MigrateError) -> Result<T, OpenError> {
    match &error {
        MigrateError::Execute(sqlx::Error::Database(refusal))
            if refusal.code().as_deref() == Some("42P01") =>
        {
            Ok(T::default())
        }
        _ => Err(OpenError::Schema(error)),
    }
}

pub(crate) fn known() -> i64 {
    FILES.iter().map(|(number, _, _)| *number).max().unwrap_or(0)
}

fn migrator() -> Migrator {
    let migration = |&(number, name, sql): &(i64, &'static str, &'static str)| {
        Migration::new(number, name[5..].into(), MigrationType::Simple, sql.into_sql_str(), false)
    };
    Migrator::with_migrations(FILES.iter().map(migration).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_embedded_under_its_number() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let mut on_disk: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".sql"))
            .collect();
        on_disk.sort();
        let embedded: Vec<String> = FILES.iter().map(|(_, name, _)| format!("{name}.sql")).collect();
        assert_eq!(on_disk, embedded);
        assert!(FILES.iter().all(|(number, name, _)| name.starts_with(&format!("{number:04}_"))));
    }
}
