//! Reading back what was recorded, for the conformance suite.

use broker_core::ports::StoreError;
use broker_core::{
    AccountLabel, AuditAction, AuditOutcome, AuditRecord, GrantKey, Principal, ProviderName, TenantId,
    Timestamp, TokenFingerprint, UserId,
};
use sqlx::Row;
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::columns::{generation, name, word};
use crate::operation::failed;

impl PostgresStore {
    /// Every record that is not chained yet, oldest first.
    #[doc(hidden)]
    pub async fn inbox_records(&self) -> Result<Vec<AuditRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit_inbox ORDER BY id").fetch_all(&self.pools.consent).await;
        rows.map_err(failed)?.iter().map(record).collect()
    }
}

fn record(row: &PgRow) -> Result<AuditRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    let optional = |column| row.try_get::<Option<String>, _>(column).map_err(failed);
    let tenant = Some(text("tenant")?).filter(|tenant| !tenant.is_empty());
    let tenant = tenant.map(|tenant| name(tenant, TenantId::new, "tenant")).transpose()?;
    let provider = optional("provider")?.map(|kept| name(kept, ProviderName::new, "provider")).transpose()?;
    let key = match (&tenant, &provider, optional("user_id")?, optional("account")?) {
        (Some(tenant), Some(provider), Some(user), Some(account)) => Some(GrantKey {
            tenant: tenant.clone(),
            provider: provider.clone(),
            user: name(user, UserId::new, "user_id")?,
            account: name(account, AccountLabel::new, "account")?,
        }),
        _ => None,
    };
    let principal = optional("principal")?;
    let generation_kept = row.try_get::<Option<i64>, _>("generation").map_err(failed)?;
    let fingerprint = row.try_get::<Option<Vec<u8>>, _>("fingerprint").map_err(failed)?;
    Ok(AuditRecord {
        at: Timestamp::from_unix_micros(row.try_get("at").map_err(failed)?),
        principal: principal.map(|kept| word(&kept, Principal::new, "principal")).transpose()?,
        action: AuditAction::named(text("action")?),
        resource: text("resource")?,
        generation: generation_kept.map(|kept| generation(kept, "generation")).transpose()?,
        outcome: outcome(&text("outcome")?, text("reason")?)?,
        purpose: text("purpose")?,
        token: fingerprint.and_then(|bytes| bytes.try_into().ok()).map(TokenFingerprint),
        tenant,
        key,
        provider,
    })
}

fn outcome(word: &str, reason: String) -> Result<AuditOutcome, StoreError> {
    match word {
        "succeeded" => Ok(AuditOutcome::Succeeded),
        "denied" => Ok(AuditOutcome::Denied(reason)),
        "failed" => Ok(AuditOutcome::Failed(reason)),
        _ => Err(StoreError::Inconsistent("outcome")),
    }
}
