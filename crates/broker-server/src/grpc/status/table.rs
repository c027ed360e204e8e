//! The error table of the contract: one exhaustive match.

use std::time::Duration;

use broker_core::BrokerError;
use broker_proto::v1::Reason;
use tonic::Code;

use super::row::Row;
use super::words::{explain, key_in_use, quota_exceeded};
use crate::grpc::message::rfc3339;

/// Other replicas serve meanwhile.
const STREAM_RETRY: Duration = Duration::from_millis(100);
const BACKEND_RETRY: Duration = Duration::from_secs(1);
/// About as long as it takes until every replica seals under new keys.
const KEYS_RETRY: Duration = Duration::from_secs(30);

pub(super) fn row(error: &BrokerError) -> Row {
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
        BrokerError::DuplicateToken => Row::new(
            Code::AlreadyExists,
            Reason::AlreadyExists,
            "the refresh token belongs to a grant already, and no two may use it; have the user consent instead",
        ),
        BrokerError::ConsentRequired(cause) => Row::new(
            Code::FailedPrecondition,
            Reason::ConsentRequired,
            "the user must consent again; start an authorization and send the user to its URL",
        )
        .with("cause", cause.as_str()),
        BrokerError::GrantExpired { ended_at, registration } => {
            let row = Row::new(
                Code::FailedPrecondition,
                Reason::GrantExpired,
                "the time the provider gave this grant is over; start an authorization and send the user to its URL",
            );
            let row = row.with("registration_id", registration.as_str()).with("next_step", "StartAuthorization");
            match ended_at {
                Some(ended_at) => row.with("ended_time", rfc3339(*ended_at)),
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
        BrokerError::TooManyStreams(limit) => Row::new(
            Code::ResourceExhausted,
            Reason::QuotaExceeded,
            format!(
                "{limit} streams are open, as many as may be here or of this caller; watch more keys on one stream, or ask an \
                 operator to raise [vend] watch_streams or watch_streams_per_caller"
            ),
        )
        .with("quota", "watch_streams")
        .with("limit", limit.to_string()),
        BrokerError::StreamOver => Row::new(
            Code::Unavailable,
            Reason::BackendUnavailable,
            "the stream is over; open it again, and go on from what was received",
        )
        .retry_after(STREAM_RETRY),
        BrokerError::InvalidRequest(violations) => {
            let fields: Vec<_> = violations.iter().map(|v| format!("{} {}", v.field, v.problem)).collect();
            let row = Row::new(
                Code::InvalidArgument,
                Reason::InvalidRequest,
                format!("the request is malformed: {}", fields.join("; ")),
            );
            row.violated(violations)
        }
        BrokerError::AuthorizationInvalid(problem) => Row::new(
            Code::FailedPrecondition,
            Reason::AuthorizationInvalid,
            format!("{}; start a new authorization", explain(*problem)),
        )
        .with("problem", problem.as_str()),
        BrokerError::EventsForgotten(oldest) => Row::new(
            Code::InvalidArgument,
            Reason::InvalidRequest,
            format!("the events before {oldest} are not kept any more; begin there, or with 0, and look at the grants anew"),
        )
        .with("oldest_sequence", oldest.to_string()),
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
