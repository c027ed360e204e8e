//! Domain errors as gRPC statuses: one exhaustive match, the error table of the contract.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{AuthorizationProblem, BrokerError, FieldViolation, KeyUse, Quota, QuotaKind};
use broker_crypto::Entropy;
use broker_proto::reason::{DOMAIN, name};
use broker_proto::v1::Reason;
use tonic::{Code, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::message::rfc3339;

const BACKEND_RETRY: Duration = Duration::from_secs(1);
/// About as long as it takes until every replica seals under new keys.
const KEYS_RETRY: Duration = Duration::from_secs(30);

/// One row of the error table.
struct Row {
    code: Code,
    reason: Reason,
    /// What happened and what to do next.
    message: String,
    metadata: HashMap<String, String>,
    retry: Option<Duration>,
    violations: Vec<FieldViolation>,
}

impl Row {
    fn new(code: Code, reason: Reason, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { code, reason, message, metadata: HashMap::new(), retry: None, violations: Vec::new() }
    }

    fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.metadata.insert(key.to_owned(), value.into());
        self
    }

    fn retry_after(self, delay: Duration) -> Self {
        Self { retry: Some(delay), ..self }
    }
}

/// Makes statuses of errors. What a driver said goes to the log, never to the client.
#[derive(Clone)]
pub(super) struct Statuses {
    entropy: Arc<dyn Entropy>,
}

impl Statuses {
    /// Incidents are numbered by `entropy`.
    pub(super) fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self { entropy }
    }

    /// A use case's result as a call's.
    pub(super) fn answer<T>(&self, result: Result<T, BrokerError>) -> Result<Response<T>, Status> {
        result.map(Response::new).map_err(|error| self.of(&error))
    }

    /// The status of an error.
    pub(super) fn of(&self, error: &BrokerError) -> Status {
        match error {
            BrokerError::Internal(what) => {
                let incident = self.incident();
                tracing::error!(incident, what, "a request failed by our fault");
                encode(row(error).with("incident", incident))
            }
            BrokerError::BackendUnavailable(source) => {
                tracing::error!(error = %source, "a request failed because a backend did not answer");
                encode(row(error))
            }
            other => {
                tracing::debug!(error = %other, "a request was refused");
                encode(row(error))
            }
        }
    }

    /// What the answer and the log line of one failure have in common.
    fn incident(&self) -> String {
        let mut bytes = [0; 8];
        self.entropy.fill(&mut bytes);
        format!("{:016x}", u64::from_be_bytes(bytes))
    }
}

/// The status for a caller nobody knows. Why that is so is logged elsewhere.
pub(crate) fn caller_unknown() -> Status {
    encode(row(&BrokerError::CallerUnknown))
}

fn encode(row: Row) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info(name(row.reason), DOMAIN, row.metadata);
    if let Some(delay) = row.retry {
        details.set_retry_info(Some(delay));
    }
    for violation in row.violations {
        details.add_bad_request_violation(violation.field, violation.problem);
    }
    Status::with_error_details(row.code, row.message, details)
}

fn row(error: &BrokerError) -> Row {
    match error {
        BrokerError::GrantNotFound => Row::new(
            Code::NotFound,
            Reason::GrantNotFound,
            "there is no grant of this tenant, provider, user and account; let the user consent first",
        ),
        BrokerError::TenantNotFound => Row::new(
            Code::NotFound,
            Reason::GrantNotFound,
            "there is no such tenant, or nothing of it is to be seen; check tenant_id",
        ),
        BrokerError::NoClientRegistration => Row::new(
            Code::FailedPrecondition,
            Reason::NoClientRegistration,
            "this tenant is not registered as a client at this provider; create a client registration",
        ),
        BrokerError::RegistrationNotFound => Row::new(
            Code::NotFound,
            Reason::NoClientRegistration,
            "there is no client registration of this name; check tenant_id, provider and registration_id",
        ),
        BrokerError::ResourceNotFound(what) => Row::new(
            Code::NotFound,
            Reason::ResourceNotFound,
            format!("there is no such {what}; list what there is, and check the id"),
        ),
        BrokerError::ResourceInUse(why) => {
            Row::new(Code::FailedPrecondition, Reason::ResourceInUse, format!("this is still needed: {why}"))
        }
        BrokerError::EtagMismatch => Row::new(
            Code::Aborted,
            Reason::EtagMismatch,
            "this was changed since its etag was read; read it again, then repeat the change",
        ),
        BrokerError::AuthorizationNotFound => Row::new(
            Code::NotFound,
            Reason::AuthorizationNotFound,
            "there is no such authorization of this tenant; start a new one",
        ),
        BrokerError::AlreadyExists(what) => Row::new(
            Code::AlreadyExists,
            Reason::AlreadyExists,
            format!("a {what} of this name already exists; choose another name, or use the one there is"),
        ),
        BrokerError::ConsentRequired(cause) => Row::new(
            Code::FailedPrecondition,
            Reason::ConsentRequired,
            "the user must consent again; start an authorization and send the user to its URL",
        )
        .with("cause", cause.as_str()),
        BrokerError::GrantExpired { ended_at } => {
            let row = Row::new(
                Code::FailedPrecondition,
                Reason::GrantExpired,
                "the time the provider gave this grant is over; start an authorization and send the user to its URL",
            );
            match ended_at {
                Some(ended_at) => row.with("ended_at", rfc3339(*ended_at)),
                None => row,
            }
        }
        BrokerError::MissingScopes(missing) => Row::new(
            Code::FailedPrecondition,
            Reason::MissingScopes,
            "the grant does not cover every required scope; start an authorization that asks for the missing ones",
        )
        .with("missing", missing.join(" ")),
        BrokerError::ClientRegistrationRejected(registration) => Row::new(
            Code::FailedPrecondition,
            Reason::ClientRegistrationRejected,
            "the provider refuses the client id or secret; correct the client registration, existing grants are not lost by it",
        )
        .with("registration_id", registration.as_str()),
        BrokerError::ProviderUnavailable(retry) => Row::new(
            Code::Unavailable,
            Reason::ProviderUnavailable,
            "the provider is down, slow or throttling and no valid token is held; try again after the delay given",
        )
        .retry_after(*retry),
        BrokerError::RefreshPaused(retry) => Row::new(
            Code::Unavailable,
            Reason::ProviderUnavailable,
            "an operator has paused refreshing for this tenant or provider; try again after the delay given, or resume it",
        )
        .retry_after(*retry),
        BrokerError::RefreshInProgress(retry) => Row::new(
            Code::Unavailable,
            Reason::RefreshInProgress,
            "a refresh is still running, or the provider refused once and is asked again after the delay given; \
             try again then",
        )
        .retry_after(*retry),
        BrokerError::BackendUnavailable(_) => Row::new(
            Code::Unavailable,
            Reason::BackendUnavailable,
            "a backend of the broker does not answer; try again after the delay given",
        )
        .retry_after(BACKEND_RETRY),
        BrokerError::KeysExhausted => Row::new(
            Code::Unavailable,
            Reason::BackendUnavailable,
            "the tenant's data keys have sealed as many values as they may; their rotation is under way, or an operator \
             has to rotate them; try again after the delay given",
        )
        .retry_after(KEYS_RETRY),
        BrokerError::CallerUnknown => Row::new(
            Code::Unauthenticated,
            Reason::CallerUnknown,
            "the caller showed no credential that is accepted here; the broker's log says what was wrong with it",
        ),
        BrokerError::AccessDenied => Row::new(
            Code::PermissionDenied,
            Reason::AccessDenied,
            "no access policy allows this caller this action here; ask an operator, whom ExplainAccess tells more",
        ),
        BrokerError::TenantRateLimited(retry) => Row::new(
            Code::ResourceExhausted,
            Reason::TenantRateLimited,
            "too many requests for this tenant; try again after the delay given",
        )
        .retry_after(*retry),
        BrokerError::QuotaExceeded(quota) => quota_exceeded(*quota),
        BrokerError::InvalidRequest(violations) => {
            let fields: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.problem)).collect();
            let row = Row::new(
                Code::InvalidArgument,
                Reason::InvalidRequest,
                format!("the request is malformed: {}", fields.join("; ")),
            );
            Row { violations: violations.clone(), ..row }
        }
        BrokerError::AuthorizationInvalid(problem) => Row::new(
            Code::FailedPrecondition,
            Reason::AuthorizationInvalid,
            format!("{}; start a new authorization", explain(*problem)),
        )
        .with("problem", problem.as_str()),
        BrokerError::KeyNotFound => Row::new(
            Code::NotFound,
            Reason::ResourceNotFound,
            "there is no such key; ListKeys tells which there are",
        ),
        BrokerError::KeyRotationNotFound => Row::new(
            Code::NotFound,
            Reason::ResourceNotFound,
            "there is no such key rotation; ListKeyRotations tells which there are",
        ),
        BrokerError::KeyInUse(needed) => key_in_use(*needed),
        BrokerError::Internal(_) => Row::new(
            Code::Internal,
            Reason::Internal,
            "the broker failed and has logged why under the incident given; trying again may or may not help",
        ),
    }
}

fn key_in_use(needed: KeyUse) -> Row {
    let row = |message: String| Row::new(Code::FailedPrecondition, Reason::KeyInUse, message);
    match needed {
        KeyUse::Primary => {
            row("the key is primary: it seals or wraps what is new; make another primary first".to_owned())
        }
        KeyUse::InStore(count) => {
            row(format!("{count} values or keys in the store need the key; rotate the keys, then retire it"))
                .with("use_count", count.to_string())
        }
        KeyUse::InJournalsUntil(until) => row(format!(
            "journals of replicas may hold answers sealed under the key until {0}; retire it after that",
            rfc3339(until)
        ))
        .with("retirable_at", rfc3339(until)),
        KeyUse::InOwnJournal => row(
            "the journal of this replica holds an answer sealed under the key; try again once it is settled"
                .to_owned(),
        ),
    }
}

fn quota_exceeded(quota: Quota) -> Row {
    let Quota { kind, limit } = quota;
    let (of, next, key) = match kind {
        QuotaKind::Grants => ("grants", "revoke those that are not needed", "max_grants"),
        QuotaKind::ClientRegistrations => {
            ("client registrations", "delete those that are not needed", "max_client_registrations")
        }
        QuotaKind::PendingAuthorizations => {
            ("pending authorizations", "wait until some are completed or late", "max_pending_authorizations")
        }
        QuotaKind::AccessPolicies => {
            ("access policies", "delete those that are not needed", "max_access_policies")
        }
    };
    let message = format!(
        "the tenant has {limit} {of}, as many as it may have; {next}, or ask an operator to raise {key}"
    );
    Row::new(Code::ResourceExhausted, Reason::QuotaExceeded, message)
        .with("quota", kind.as_str())
        .with("limit", limit.to_string())
}

fn explain(problem: AuthorizationProblem) -> &'static str {
    match problem {
        AuthorizationProblem::UnknownState => "the callback's state is not one this tenant was given",
        AuthorizationProblem::AlreadyUsed => "the callback's state was used before",
        AuthorizationProblem::Expired => "the callback came too late",
        AuthorizationProblem::WrongUser => "the authorization was started for another user",
        AuthorizationProblem::WrongRedirectUri => {
            "the callback came to another redirect URI than the one asked for"
        }
        AuthorizationProblem::Denied => "the user refused",
        AuthorizationProblem::ProviderError => {
            "the provider answered the authorization request with an error"
        }
        AuthorizationProblem::CodeRefused => "the provider refused the authorization code",
        AuthorizationProblem::Superseded => "the user completed a later authorization meanwhile",
        AuthorizationProblem::Revoked => "the grant was revoked meanwhile",
    }
}

#[cfg(test)]
#[path = "status_tests.rs"]
mod tests;
