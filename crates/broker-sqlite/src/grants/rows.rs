//! A grant's row, its reading, and the words it is kept in.

use broker_core::ports::StoreError;
use broker_core::{
    AccountDigest, ConsentCause, FailureKind, Grant, GrantId, LastFailure, Lifecycle, LineageId, Phase,
    RegistrationId, RevocationOutcome,
};
use sqlx::sqlite::SqliteRow;

use crate::columns::Columns;

/// What [`grant`] reads, from `grants g JOIN grant_secrets s`.
macro_rules! grant_columns {
    () => {
        "g.id, g.tenant, g.provider, g.user_id, g.account, g.registration, g.lineage, g.generation, \
         g.lifecycle, g.consent_cause, g.phase, g.tainted, g.token_type, g.scopes, g.api_base_url, \
         g.issued_at, g.expires_at, g.consented_at, g.dies_at, g.due_at, g.refreshed_at, g.failure_kind, \
         g.failure_at, g.failure_oauth_error, g.failure_http_status, g.failure_in_a_row, g.failure_since, \
         g.created_at, g.updated_at, g.revocation, g.upstream_account, s.refresh_token_generation"
    };
}
pub(crate) use grant_columns;

pub(crate) fn grant(row: &SqliteRow) -> Result<Grant, StoreError> {
    let key = row.key()?;
    let id = row.id("id", GrantId::from_bytes)?;
    if id != key.grant_id() {
        return Err(StoreError::Inconsistent("a grant's id is not the one of its key"));
    }
    Ok(Grant {
        id,
        key,
        registration: row.name("registration", RegistrationId::new)?,
        lineage: row.id("lineage", LineageId::from_bytes)?,
        generation: row.generation("generation")?,
        lifecycle: lifecycle(row)?,
        phase: row.word("phase", Phase::from_name)?,
        tainted: row.flag("tainted")?,
        refreshable: row.optional_number::<u64>("refresh_token_generation")?.is_some(),
        token_type: row.text("token_type")?,
        scopes: row.scopes("scopes")?,
        api_base_url: row.optional_text("api_base_url")?,
        issued_at: row.time("issued_at")?,
        expires_at: row.time("expires_at")?,
        consented_at: row.time("consented_at")?,
        dies_at: row.optional_time("dies_at")?,
        due_at: row.optional_time("due_at")?,
        refreshed_at: row.optional_time("refreshed_at")?,
        last_failure: last_failure(row)?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
        revocation: revocation(row)?,
        upstream_account: row.optional_code("upstream_account")?.map(AccountDigest),
    })
}

fn lifecycle(row: &SqliteRow) -> Result<Lifecycle, StoreError> {
    let cause = row.optional_text("consent_cause")?;
    match (row.text("lifecycle")?.as_str(), cause.as_deref().and_then(ConsentCause::from_name)) {
        ("active", None) => Ok(Lifecycle::Active),
        ("needs_consent", Some(cause)) => Ok(Lifecycle::NeedsConsent(cause)),
        ("consent_expired", None) => Ok(Lifecycle::ConsentExpired),
        ("revoking", None) => Ok(Lifecycle::Revoking),
        ("revoked", None) => Ok(Lifecycle::Revoked),
        _ => Err(StoreError::Inconsistent("lifecycle")),
    }
}

/// The words of a lifecycle: its own and its cause's.
pub(crate) fn lifecycle_words(lifecycle: Lifecycle) -> (&'static str, Option<&'static str>) {
    match lifecycle {
        Lifecycle::Active => ("active", None),
        Lifecycle::NeedsConsent(cause) => ("needs_consent", Some(cause.as_str())),
        Lifecycle::ConsentExpired => ("consent_expired", None),
        Lifecycle::Revoking => ("revoking", None),
        Lifecycle::Revoked => ("revoked", None),
    }
}

fn revocation(row: &SqliteRow) -> Result<Option<RevocationOutcome>, StoreError> {
    let Some(outcome) = row.optional_text("revocation")? else { return Ok(None) };
    RevocationOutcome::from_name(&outcome).map(Some).ok_or(StoreError::Inconsistent("revocation"))
}

fn last_failure(row: &SqliteRow) -> Result<Option<LastFailure>, StoreError> {
    let Some(at) = row.optional_time("failure_at")? else { return Ok(None) };
    Ok(Some(LastFailure {
        kind: row.word("failure_kind", FailureKind::from_name)?,
        at,
        oauth_error: row.optional_text("failure_oauth_error")?,
        http_status: row.optional_number("failure_http_status")?,
        in_a_row: row.number("failure_in_a_row")?,
        since: row.time("failure_since")?,
    }))
}
