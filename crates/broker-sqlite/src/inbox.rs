//! The audit inbox as tests read it: a database in memory has no other door.

use broker_core::ports::StoreError;
use broker_core::{AuditAction, AuditOutcome, AuditRecord, Generation, ProviderName, TenantId};
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::columns::Columns;
use crate::operation::failed;

impl SqliteStore {
    /// What the broker did by itself and is not chained yet, oldest first.
    #[doc(hidden)]
    pub async fn broker_records(&self) -> Result<Vec<AuditRecord>, StoreError> {
        sqlx::query("SELECT * FROM audit_inbox WHERE principal IS NULL ORDER BY id")
            .fetch_all(&self.writer)
            .await
            .map_err(failed)?
            .iter()
            .map(record)
            .collect()
    }
}

/// The broker's own changes all succeed, have no purpose and vend nothing.
fn record(row: &SqliteRow) -> Result<AuditRecord, StoreError> {
    let said = (row.text("outcome")?, row.text("reason")?, row.text("purpose")?);
    if said != ("succeeded".to_owned(), String::new(), String::new()) {
        return Err(StoreError::Inconsistent("outcome"));
    }
    let tenant = row.text("tenant")?;
    let provider = row.optional_text("provider")?.map(ProviderName::new).transpose();
    Ok(AuditRecord {
        at: row.time("at")?,
        tenant: if tenant.is_empty() { None } else { Some(row.name("tenant", TenantId::new)?) },
        principal: None,
        action: AuditAction::named(row.text("action")?),
        key: row.optional_text("user_id")?.map(|_| row.key()).transpose()?,
        provider: provider.map_err(|_| StoreError::Inconsistent("provider"))?,
        resource: row.text("resource")?,
        generation: row.optional_number("generation")?.map(Generation::new),
        outcome: AuditOutcome::Succeeded,
        purpose: String::new(),
        token: None,
    })
}
