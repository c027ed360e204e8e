//! Whether a client registration works.

use broker_core::ports::StoreError;
use broker_core::{GrantId, ProviderName, RegistrationId, TenantId, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::BindDomain;
use crate::operation::failed;

/// Reads up to all grants of one tenant at one provider: asked only after a refusal that names no cause.
pub(crate) async fn since(
    connection: &mut SqliteConnection,
    (tenant, provider, registration): (&TenantId, &ProviderName, &RegistrationId),
    except: GrantId,
    since: Timestamp,
) -> Result<bool, StoreError> {
    let refreshed = sqlx::query(
        "SELECT 1 FROM grants
         WHERE tenant = ?1 AND provider = ?2 AND registration = ?3 AND id <> ?4 AND refreshed_at >= ?5 LIMIT 1",
    )
    .bind(tenant.as_str())
    .bind(provider.as_str())
    .bind(registration.as_str())
    .bind(except.as_bytes().as_slice())
    .bind_time(since)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(refreshed.is_some())
}
