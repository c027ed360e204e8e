//! The one read of a vend: one round trip that names the tenant, reads, and forgets the tenant.

use broker_core::GrantKey;
use broker_core::ports::{StoreError, VendableGrant};
use broker_crypto::Sealed;
use sqlx::PgPool;

use super::rows::grant_row;
use crate::operation::failed;

pub(crate) async fn read(pool: &PgPool, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
    let row = sqlx::query!(
        r#"SELECT (v.held).id AS "id!", (v.held).tenant AS "tenant!", (v.held).provider AS "provider!",
                  (v.held).user_id AS "user_id!", (v.held).account AS "account!",
                  (v.held).registration AS "registration!", (v.held).lineage AS "lineage!",
                  (v.held).generation AS "generation!", (v.held).lifecycle AS "lifecycle!",
                  (v.held).consent_cause AS consent_cause, (v.held).phase AS "phase!", (v.held).tainted AS "tainted!",
                  (v.held).refresh_token_generation AS refresh_token_generation, (v.held).token_type AS "token_type!",
                  (v.held).scopes AS "scopes!", (v.held).api_base_url AS api_base_url,
                  (v.held).issued_at AS "issued_at!", (v.held).expires_at AS "expires_at!",
                  (v.held).consented_at AS "consented_at!", (v.held).dies_at AS dies_at, (v.held).due_at AS due_at,
                  (v.held).refreshed_at AS refreshed_at, (v.held).failure_kind AS failure_kind,
                  (v.held).failure_at AS failure_at, (v.held).failure_since AS failure_since,
                  (v.held).failure_in_a_row AS failure_in_a_row, (v.held).failure_oauth_error AS failure_oauth_error,
                  (v.held).failure_http_status AS failure_http_status, (v.held).created_at AS "created_at!",
                  (v.held).updated_at AS "updated_at!", (v.held).revocation AS revocation,
                  (v.held).upstream_account AS upstream_account, v.access_token
           FROM vendable_grant($1, $2, $3, $4) v"#,
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
