//! Writing audit records, in the transaction of what they tell of.

use broker_core::ports::StoreError;
use broker_core::{AuditOutcome, AuditRecord, GrantKey, Principal, TenantId};
use sqlx::PgConnection;

use crate::columns::{foreign_text, kept};
use crate::operation::failed;

/// Writes a record; its transaction decides whether it stays.
pub(crate) async fn write(connection: &mut PgConnection, record: &AuditRecord) -> Result<(), StoreError> {
    let (outcome, reason) = outcome_words(&record.outcome);
    let key = record.key.as_ref();
    sqlx::query!(
        "INSERT INTO audit_inbox (tenant, at, principal, action, provider, user_id, account, resource, generation,
                                  outcome, reason, purpose, fingerprint)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        record.tenant.as_ref().map_or("", TenantId::as_str),
        record.at.as_unix_micros(),
        record.principal.as_ref().map(Principal::as_str),
        record.action.as_str(),
        record.provider.as_ref().map(|provider| provider.as_str()),
        key.map(|key| key.user.as_str()),
        key.map(|key| key.account.as_str()),
        foreign_text(&record.resource),
        record.generation.map(kept),
        outcome,
        reason,
        foreign_text(&record.purpose),
        record.token.as_ref().map(|token| token.0.as_slice()),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Writes the same record about each of these grants, in one statement.
pub(crate) async fn write_for_each(
    connection: &mut PgConnection,
    record: &AuditRecord,
    keys: &[GrantKey],
) -> Result<(), StoreError> {
    if keys.is_empty() {
        return Ok(());
    }
    let column = |of: fn(&GrantKey) -> &str| keys.iter().map(|key| of(key).to_owned()).collect::<Vec<_>>();
    let (outcome, reason) = outcome_words(&record.outcome);
    sqlx::query!(
        "INSERT INTO audit_inbox (tenant, at, principal, action, provider, user_id, account, resource, outcome, reason,
                                  purpose)
         SELECT key.tenant, $5, $6, $7, key.provider, key.user_id, key.account, $8, $9, $10, $11
         FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY
              AS key (tenant, provider, user_id, account, position)
         ORDER BY key.position",
        &column(|key| key.tenant.as_str()),
        &column(|key| key.provider.as_str()),
        &column(|key| key.user.as_str()),
        &column(|key| key.account.as_str()),
        record.at.as_unix_micros(),
        record.principal.as_ref().map(Principal::as_str),
        record.action.as_str(),
        record.resource,
        outcome,
        reason,
        foreign_text(&record.purpose),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// How an outcome is kept: its word, and the reason.
fn outcome_words(outcome: &AuditOutcome) -> (&'static str, &str) {
    match outcome {
        AuditOutcome::Succeeded => ("succeeded", ""),
        AuditOutcome::Denied(reason) => ("denied", reason),
        AuditOutcome::Failed(reason) => ("failed", reason),
    }
}
