//! The one read of a vend.

use broker_core::GrantKey;
use broker_core::ports::{StoreError, VendableGrant};
use broker_crypto::Sealed;
use sqlx::PgPool;

use super::rows::grant_row;
use crate::operation::failed;

pub(crate) async fn read(pool: &PgPool, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT g.id AS "id!", g.tenant AS "tenant!", g.provider AS "provider!", g.user_id AS "user_id!",
                  g.account AS "account!", g.registration AS "registration!", g.lineage AS "lineage!",
                  g.generation AS "generation!", g.lifecycle AS "lifecycle!", g.consent_cause, g.phase AS "phase!",
                  g.tainted AS "tainted!", g.refresh_token_generation, g.token_type AS "token_type!",
                  g.scopes AS "scopes!", g.api_base_url, g.issued_at AS "issued_at!", g.expires_at AS "expires_at!",
                  g.consented_at AS "consented_at!", g.dies_at, g.due_at, g.refreshed_at, g.failure_kind,
                  g.failure_at, g.failure_since, g.failure_in_a_row, g.failure_oauth_error, g.failure_http_status,
                  g.created_at AS "created_at!", g.updated_at AS "updated_at!", g.revocation, s.access_token
           FROM grant_rows g JOIN grant_secrets s ON s.grant_id = g.id
           WHERE g.tenant = $1 AND g.provider = $2 AND g.user_id = $3 AND g.account = $4"#,
        key.tenant.as_str(),
        key.provider.as_str(),
        key.user.as_str(),
        key.account.as_str(),
    )
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let access_token = row.access_token.clone().map(Sealed::from_bytes);
    Ok(Some(VendableGrant { grant: grant_row!(row).grant()?, access_token }))
}
