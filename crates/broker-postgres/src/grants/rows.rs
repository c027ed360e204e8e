//! A grant's row, its reading, and the words it is kept in.

use broker_core::ports::StoreError;
use broker_core::{
    AccountDigest, ConsentCause, FailureKind, Grant, GrantId, LastFailure, Lifecycle, LineageId, Phase,
    RegistrationId, RevocationOutcome,
};
use uuid::Uuid;

use crate::columns::{code, generation, key, name, number, scopes, time, word};
use broker_core::Timestamp;

/// The columns of the view `grant_rows`.
pub(crate) struct GrantRow {
    pub(crate) id: Uuid,
    pub(crate) tenant: String,
    pub(crate) provider: String,
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) registration: String,
    pub(crate) lineage: Uuid,
    pub(crate) generation: i64,
    pub(crate) lifecycle: String,
    pub(crate) consent_cause: Option<String>,
    pub(crate) phase: String,
    pub(crate) tainted: bool,
    pub(crate) refresh_token_generation: Option<i64>,
    pub(crate) token_type: String,
    pub(crate) scopes: String,
    pub(crate) api_base_url: Option<String>,
    pub(crate) issued_at: i64,
    pub(crate) expires_at: i64,
    pub(crate) consented_at: i64,
    pub(crate) dies_at: Option<i64>,
    pub(crate) due_at: Option<i64>,
    pub(crate) refreshed_at: Option<i64>,
    pub(crate) failure_kind: Option<String>,
    pub(crate) failure_at: Option<i64>,
    pub(crate) failure_since: Option<i64>,
    pub(crate) failure_in_a_row: Option<i64>,
    pub(crate) failure_oauth_error: Option<String>,
    pub(crate) failure_http_status: Option<i32>,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
    pub(crate) revocation: Option<String>,
    pub(crate) upstream_account: Option<Vec<u8>>,
}

/// The grant's columns of a longer record.
macro_rules! grant_row {
    ($record:expr) => {
        $crate::grants::rows::GrantRow {
            id: $record.id,
            tenant: $record.tenant,
            provider: $record.provider,
            user_id: $record.user_id,
            account: $record.account,
            registration: $record.registration,
            lineage: $record.lineage,
            generation: $record.generation,
            lifecycle: $record.lifecycle,
            consent_cause: $record.consent_cause,
            phase: $record.phase,
            tainted: $record.tainted,
            refresh_token_generation: $record.refresh_token_generation,
            token_type: $record.token_type,
            scopes: $record.scopes,
            api_base_url: $record.api_base_url,
            issued_at: $record.issued_at,
            expires_at: $record.expires_at,
            consented_at: $record.consented_at,
            dies_at: $record.dies_at,
            due_at: $record.due_at,
            refreshed_at: $record.refreshed_at,
            failure_kind: $record.failure_kind,
            failure_at: $record.failure_at,
            failure_since: $record.failure_since,
            failure_in_a_row: $record.failure_in_a_row,
            failure_oauth_error: $record.failure_oauth_error,
            failure_http_status: $record.failure_http_status,
            created_at: $record.created_at,
            updated_at: $record.updated_at,
            revocation: $record.revocation,
            upstream_account: $record.upstream_account,
        }
    };
}
pub(crate) use grant_row;

impl GrantRow {
    pub(crate) fn grant(self) -> Result<Grant, StoreError> {
        let (lifecycle, last_failure) = (self.lifecycle()?, self.last_failure()?);
        let key = key([self.tenant, self.provider, self.user_id, self.account])?;
        let id = GrantId::from_bytes(self.id.into_bytes());
        if id != key.grant_id() {
            return Err(StoreError::Inconsistent("a grant's id is not the one of its key"));
        }
        Ok(Grant {
            id,
            key,
            registration: name(self.registration, RegistrationId::new, "registration")?,
            lineage: LineageId::from_bytes(self.lineage.into_bytes()),
            generation: generation(self.generation, "generation")?,
            lifecycle,
            phase: word(&self.phase, Phase::from_name, "phase")?,
            tainted: self.tainted,
            refreshable: self.refresh_token_generation.is_some(),
            token_type: self.token_type,
            scopes: scopes(&self.scopes),
            api_base_url: self.api_base_url,
            issued_at: Timestamp::from_unix_micros(self.issued_at),
            expires_at: Timestamp::from_unix_micros(self.expires_at),
            consented_at: Timestamp::from_unix_micros(self.consented_at),
            dies_at: time(self.dies_at),
            due_at: time(self.due_at),
            refreshed_at: time(self.refreshed_at),
            last_failure,
            created_at: Timestamp::from_unix_micros(self.created_at),
            updated_at: Timestamp::from_unix_micros(self.updated_at),
            revocation: self
                .revocation
                .map(|outcome| word(&outcome, RevocationOutcome::from_name, "revocation"))
                .transpose()?,
            upstream_account: self
                .upstream_account
                .map(|bytes| code(bytes, "upstream_account").map(AccountDigest))
                .transpose()?,
        })
    }

    fn lifecycle(&self) -> Result<Lifecycle, StoreError> {
        match (self.lifecycle.as_str(), self.consent_cause.as_deref().and_then(ConsentCause::from_name)) {
            ("active", None) => Ok(Lifecycle::Active),
            ("needs_consent", Some(cause)) => Ok(Lifecycle::NeedsConsent(cause)),
            ("consent_expired", None) => Ok(Lifecycle::ConsentExpired),
            ("revoking", None) => Ok(Lifecycle::Revoking),
            ("revoked", None) => Ok(Lifecycle::Revoked),
            _ => Err(StoreError::Inconsistent("lifecycle")),
        }
    }

    fn last_failure(&self) -> Result<Option<LastFailure>, StoreError> {
        let (Some(kind), Some(at), Some(since), Some(in_a_row)) =
            (&self.failure_kind, time(self.failure_at), time(self.failure_since), self.failure_in_a_row)
        else {
            return Ok(None);
        };
        let status = self.failure_http_status;
        Ok(Some(LastFailure {
            kind: word(kind, FailureKind::from_name, "failure_kind")?,
            at,
            oauth_error: self.failure_oauth_error.clone(),
            http_status: status.map(|status| number(status, "failure_http_status")).transpose()?,
            in_a_row: number(in_a_row, "failure_in_a_row")?,
            since,
        }))
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
