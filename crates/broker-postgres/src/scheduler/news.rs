//! News of registrations that providers refuse, or accept again: each is told once.

use broker_core::ports::{RegistrationKey, RegistrationNews, StoreError};
use broker_core::{ProviderName, RegistrationId, TenantId};
use sqlx::PgPool;

use crate::columns::name;
use crate::operation::failed;

/// What was refused and works again before anybody was told of either is told of both. Rows are taken in one order, and
/// one that another replica is taking is left to it.
pub(super) async fn take(pool: &PgPool) -> Result<RegistrationNews, StoreError> {
    let rows = sqlx::query!(
        r#"WITH taken AS (
               SELECT tenant, provider, registration, told, ended_at FROM registration_pauses
               WHERE NOT told OR ended_at IS NOT NULL
               ORDER BY tenant, provider, registration FOR UPDATE SKIP LOCKED
           ), told AS (
               UPDATE registration_pauses p SET told = true FROM taken t
               WHERE (p.tenant, p.provider, p.registration) = (t.tenant, t.provider, t.registration)
                 AND t.ended_at IS NULL
           ), gone AS (
               DELETE FROM registration_pauses p USING taken t
               WHERE (p.tenant, p.provider, p.registration) = (t.tenant, t.provider, t.registration)
                 AND t.ended_at IS NOT NULL
           )
           SELECT tenant, provider, registration, NOT told AS "rejected!", ended_at IS NOT NULL AS "recovered!"
           FROM taken"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let mut news = RegistrationNews { standing: standing(pool).await?, ..RegistrationNews::default() };
    for row in rows {
        let key = RegistrationKey {
            tenant: name(row.tenant, TenantId::new, "tenant")?,
            provider: name(row.provider, ProviderName::new, "provider")?,
            id: name(row.registration, RegistrationId::new, "registration")?,
        };
        if row.rejected {
            news.rejected.push(key.clone());
        }
        if row.recovered {
            news.recovered.push(key);
        }
    }
    Ok(news)
}

async fn standing(pool: &PgPool) -> Result<Vec<(ProviderName, u64)>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT provider, count(*) AS "refused!" FROM registration_pauses WHERE ended_at IS NULL
           GROUP BY provider ORDER BY provider"#
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter()
        .map(|row| Ok((name(row.provider, ProviderName::new, "provider")?, row.refused.unsigned_abs())))
        .collect()
}
