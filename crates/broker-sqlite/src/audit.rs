//! Writing audit records, in the transaction of what they tell of.

use broker_core::ports::StoreError;
use broker_core::{
    AuditAction, AuditOutcome, AuditRecord, Generation, GrantKey, Principal, TenantId, Timestamp,
};
use sqlx::SqliteConnection;

use crate::columns::BindDomain;
use crate::operation::failed;

/// Writes a record; its transaction decides whether it stays.
pub(crate) async fn write(connection: &mut SqliteConnection, record: &AuditRecord) -> Result<(), StoreError> {
    let (outcome, reason) = outcome_words(&record.outcome);
    let key = record.key.as_ref();
    sqlx::query(
        "INSERT INTO audit_inbox (tenant, at, principal, action, provider, user_id, account, resource, generation,
                                  outcome, reason, purpose, fingerprint)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
    )
    .bind(record.tenant.as_ref().map_or("", TenantId::as_str))
    .bind_time(record.at)
    .bind(record.principal.as_ref().map(Principal::as_str))
    .bind(record.action.as_str())
    .bind(record.provider.as_ref().map(|provider| provider.as_str()))
    .bind(key.map(|key| key.user.as_str()))
    .bind(key.map(|key| key.account.as_str()))
    .bind(foreign_text(&record.resource))
    .bind(record.generation.map(|generation| generation.get().cast_signed()))
    .bind(outcome)
    .bind(reason)
    .bind(foreign_text(&record.purpose))
    .bind(record.token.as_ref().map(|token| token.0.as_slice()))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Writes what the broker did to a grant by itself, and because of what.
pub(crate) async fn write_of_grant(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    action: AuditAction,
    generation: Option<Generation>,
    because: &str,
    at: Timestamp,
) -> Result<(), StoreError> {
    let record = broker_core::Actor::broker(action).did(Some(&key.tenant), at).about(key).resource(because);
    write(connection, &AuditRecord { generation, ..record }).await
}

/// How an outcome is kept: its word, and the reason.
fn outcome_words(outcome: &AuditOutcome) -> (&'static str, &str) {
    match outcome {
        AuditOutcome::Succeeded => ("succeeded", ""),
        AuditOutcome::Denied(reason) => ("denied", reason),
        AuditOutcome::Failed(reason) => ("failed", reason),
    }
}

/// Text that somebody else chose, without the NUL that its way into a chain would not survive.
fn foreign_text(text: &str) -> String {
    text.replace('\0', "")
}
