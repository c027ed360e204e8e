//! Whether a client registration works.

use broker_core::ports::StoreError;
use broker_core::{GrantId, ProviderName, RegistrationId, TenantId, Timestamp};
use sqlx::PgPool;

use crate::columns::uuid;
use crate::operation::failed;

/// Reads up to all grants of one tenant at one provider: asked only after a refusal that names no cause.
pub(crate) async fn since(
    pool: &PgPool,
    (tenant, provider, registration): (&TenantId, &ProviderName, &RegistrationId),
    except: GrantId,
    since: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT 1 FROM grants
               WHERE tenant = $1 AND provider = $2 AND registration = $3 AND id <> $4 AND refreshed_at >= $5
           ) AS "works!""#,
        tenant.as_str(),
        provider.as_str(),
        registration.as_str(),
        uuid(except.as_bytes()),
        since.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}
