//! What Envoy answers in place of the upstream: the error table of the contract as HTTP.

use std::time::Duration;

use broker_core::BrokerError;
use broker_proto::external_authorization::check_response::HttpResponse;
use broker_proto::external_authorization::{CheckResponse, DeniedHttpResponse, HttpStatus};
use serde_json::json;
use tonic::{Code, Status};
use tonic_types::{StatusExt, pb};

use super::super::status::Statuses;
use super::answer::header;

/// Says that the answer is the broker's and not the upstream's.
const REASON_HEADER: &str = "x-tokenbroker-reason";

/// The status that is shown: what is not there looks like what is forbidden, to the byte.
pub(super) fn shown(status: Status, error: &BrokerError, statuses: &Statuses) -> Status {
    match error {
        BrokerError::GrantNotFound | BrokerError::TenantNotFound => statuses.of(&BrokerError::AccessDenied),
        _ => status,
    }
}

/// The answer that refuses.
pub(super) fn denied(status: &Status) -> CheckResponse {
    let info = status.get_details_error_info();
    let (reason, metadata) = info.map(|info| (info.reason, info.metadata)).unwrap_or_default();
    let body = json!({ "reason": reason, "message": status.message(), "metadata": metadata }).to_string();
    let delay = status.get_details_retry_info().and_then(|info| info.retry_delay);
    let mut headers = vec![
        header("content-type", "application/json".to_owned()),
        header("cache-control", "no-store".to_owned()),
        header(REASON_HEADER, reason),
    ];
    headers.extend(delay.map(|delay| header("retry-after", whole_seconds(delay).to_string())));
    let refused =
        DeniedHttpResponse { status: Some(HttpStatus { code: http_status(status.code()) }), headers, body };
    CheckResponse {
        // Anything but OK denies; what it is stands in the body.
        status: Some(pb::Status { code: Code::PermissionDenied.into(), ..Default::default() }),
        http_response: Some(HttpResponse::DeniedResponse(refused)),
    }
}

/// Rounded up: RFC 9110 section 10.2.3 knows whole seconds only.
fn whole_seconds(delay: Duration) -> u64 {
    delay.as_secs() + u64::from(delay.subsec_nanos() > 0)
}

fn http_status(code: Code) -> i32 {
    match code {
        Code::InvalidArgument => 400,
        Code::PermissionDenied | Code::NotFound | Code::Unauthenticated => 403,
        // A person or an operator has to do something first. No API of a provider is known to answer so.
        Code::FailedPrecondition => 424,
        Code::ResourceExhausted => 429,
        Code::Unavailable | Code::DeadlineExceeded => 503,
        _ => 500,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use broker_core::{ConsentCause, FieldViolation, RegistrationId};
    use broker_crypto::OsEntropy;

    use super::*;

    fn refuse(error: &BrokerError) -> DeniedHttpResponse {
        let statuses = Statuses::new(Arc::new(OsEntropy), None);
        let answer = denied(&shown(statuses.of(error), error, &statuses));
        assert_ne!(answer.status.unwrap().code, i32::from(Code::Ok), "it would be forwarded");
        match answer.http_response {
            Some(HttpResponse::DeniedResponse(refused)) => refused,
            other => panic!("{other:?}"),
        }
    }

    fn header_of(refused: &DeniedHttpResponse, name: &str) -> Option<String> {
        let headers = refused.headers.iter().filter_map(|option| option.header.as_ref());
        headers.into_iter().find(|header| header.key == name).map(|header| header.value.clone())
    }

    #[test]
    fn every_reason_has_a_status() {
        let later = Duration::from_millis(1500);
        for (error, status, reason, retry_after) in [
            (BrokerError::InvalidRequest(vec![FieldViolation::new("a", "b")]), 400, "INVALID_REQUEST", None),
            (BrokerError::AccessDenied, 403, "ACCESS_DENIED", None),
            (BrokerError::CallerUnknown, 403, "CALLER_UNKNOWN", None),
            (BrokerError::ConsentRequired(ConsentCause::Revoked), 424, "CONSENT_REQUIRED", None),
            (
                BrokerError::GrantExpired {
                    ended_at: None,
                    registration: RegistrationId::new("main").unwrap(),
                },
                424,
                "GRANT_EXPIRED",
                None,
            ),
            (BrokerError::NoClientRegistration, 424, "NO_CLIENT_REGISTRATION", None),
            (BrokerError::TenantRateLimited(later), 429, "TENANT_RATE_LIMITED", Some("2")),
            (BrokerError::ProviderUnavailable(later), 503, "PROVIDER_UNAVAILABLE", Some("2")),
            (BrokerError::RefreshInProgress(Duration::from_secs(3)), 503, "REFRESH_IN_PROGRESS", Some("3")),
            (BrokerError::Internal("x".into()), 500, "INTERNAL", None),
        ] {
            let refused = refuse(&error);
            let body: serde_json::Value = serde_json::from_str(&refused.body).unwrap();
            assert_eq!((refused.status.unwrap().code, body["reason"].as_str()), (status, Some(reason)));
            assert_eq!(header_of(&refused, "retry-after").as_deref(), retry_after, "{reason}");
            assert_eq!(header_of(&refused, REASON_HEADER).as_deref(), Some(reason));
        }
    }

    #[test]
    fn what_a_person_has_to_do_is_told() {
        let body = refuse(&BrokerError::ConsentRequired(ConsentCause::Revoked)).body;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["metadata"]["cause"], "REVOKED");
        assert!(body["message"].as_str().unwrap().contains("consent again"));
    }

    #[test]
    fn what_is_not_there_looks_like_what_is_forbidden() {
        let forbidden = refuse(&BrokerError::AccessDenied);
        for absent in [BrokerError::GrantNotFound, BrokerError::TenantNotFound] {
            assert_eq!(refuse(&absent), forbidden);
        }
    }
}
