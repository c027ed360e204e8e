//! Reading back what was recorded, for the conformance suite.

use broker_core::ports::StoreError;
use broker_core::{
    AccountLabel, AuditAction, AuditOutcome, AuditRecord, Generation, GrantKey, Principal, ProviderName,
    TenantId, TokenFingerprint, UserId,
};
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::columns::Columns;
use crate::operation::failed;

impl SqliteStore {
    /// Every record that is not chained yet, oldest first.
    #[doc(hidden)]
    pub async fn inbox_records(&self) -> Result<Vec<AuditRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM audit_inbox ORDER BY id").fetch_all(&self.readers).await;
        rows.map_err(failed)?.iter().map(record).collect()
    }
}

fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let there = |column| Ok(row.optional_text(column)?.is_some());
    let tenant = match row.text("tenant")?.is_empty() {
        true => None,
        false => Some(row.name("tenant", TenantId::new)?),
    };
    let provider = there("provider")?.then(|| row.name("provider", ProviderName::new)).transpose()?;
    let key = match (&tenant, &provider, there("user_id")?) {
        (Some(tenant), Some(provider), true) => Some(GrantKey {
            tenant: tenant.clone(),
            provider: provider.clone(),
            user: row.name("user_id", UserId::new)?,
            account: row.name("account", AccountLabel::new)?,
        }),
        _ => None,
    };
    let generation: Option<i64> = row.get_as("generation")?;
    let fingerprint: Option<Vec<u8>> = row.get_as("fingerprint")?;
    Ok(AuditRecord {
        at: row.time("at")?,
        principal: there("principal")?.then(|| row.word("principal", Principal::new)).transpose()?,
        action: AuditAction::named(row.text("action")?),
        resource: row.text("resource")?,
        generation: generation.map(|kept| Generation::new(kept.cast_unsigned())),
        outcome: outcome(&row.text("outcome")?, row.text("reason")?)?,
        purpose: row.text("purpose")?,
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
