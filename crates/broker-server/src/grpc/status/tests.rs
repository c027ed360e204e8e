use std::collections::HashMap;
use std::time::Duration;

use broker_core::{
    AuthorizationProblem, ConsentCause, FieldViolation, Quota, QuotaKind, Quotas, RegistrationId, TenantId,
    Timestamp,
};
use tonic::Code;
use tonic_types::StatusExt;

use super::*;

struct Sevens;

impl Entropy for Sevens {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(7);
    }
}

fn statuses() -> Statuses {
    Statuses::new(Arc::new(Sevens), None)
}

fn acme_quota(kind: QuotaKind) -> Quota {
    Quotas::default().of(&TenantId::new("acme").unwrap(), kind)
}

/// Error, code, reason, metadata, whether waiting helps.
type TableRow = (BrokerError, Code, &'static str, Vec<(&'static str, &'static str)>, bool);

/// The error table of the contract.
fn table() -> Vec<TableRow> {
    use Code::{
        Aborted, AlreadyExists, FailedPrecondition, Internal, InvalidArgument, NotFound, PermissionDenied,
        ResourceExhausted, Unauthenticated, Unavailable,
    };
    let second = Duration::from_secs(1);
    let io = || std::io::Error::other("driver says: password=hunter2");
    vec![
        (BrokerError::GrantNotFound, NotFound, "GRANT_NOT_FOUND", vec![], false),
        (BrokerError::TenantNotFound, NotFound, "GRANT_NOT_FOUND", vec![], false),
        (BrokerError::NoClientRegistration, FailedPrecondition, "NO_CLIENT_REGISTRATION", vec![], false),
        (BrokerError::RegistrationNotFound, NotFound, "NO_CLIENT_REGISTRATION", vec![], false),
        (BrokerError::ResourceNotFound("client secret"), NotFound, "RESOURCE_NOT_FOUND", vec![], false),
        (BrokerError::ResourceInUse("why"), FailedPrecondition, "RESOURCE_IN_USE", vec![], false),
        (BrokerError::EtagMismatch, Aborted, "ETAG_MISMATCH", vec![], false),
        (BrokerError::AuthorizationNotFound, NotFound, "AUTHORIZATION_NOT_FOUND", vec![], false),
        (BrokerError::AlreadyExists("tenant"), AlreadyExists, "ALREADY_EXISTS", vec![], false),
        (
            BrokerError::ConsentRequired(ConsentCause::LostRotation),
            FailedPrecondition,
            "CONSENT_REQUIRED",
            vec![("cause", "LOST_ROTATION")],
            false,
        ),
        (
            BrokerError::GrantExpired {
                ended_at: Some(Timestamp::from_unix_seconds(0)),
                registration: RegistrationId::new("main").unwrap(),
            },
            FailedPrecondition,
            "GRANT_EXPIRED",
            vec![
                ("registration_id", "main"),
                ("next_step", "StartAuthorization"),
                ("ended_time", "1970-01-01T00:00:00Z"),
            ],
            false,
        ),
        (
            BrokerError::MissingScopes(vec!["a".into(), "b".into()]),
            FailedPrecondition,
            "MISSING_SCOPES",
            vec![("missing", "a b")],
            false,
        ),
        (
            BrokerError::ClientRegistrationRejected(RegistrationId::new("main").unwrap()),
            FailedPrecondition,
            "CLIENT_REGISTRATION_REJECTED",
            vec![("registration_id", "main")],
            false,
        ),
        (BrokerError::ProviderUnavailable(second), Unavailable, "PROVIDER_UNAVAILABLE", vec![], true),
        (BrokerError::RefreshPaused(second), Unavailable, "PROVIDER_UNAVAILABLE", vec![], true),
        (BrokerError::RefreshInProgress(second), Unavailable, "REFRESH_IN_PROGRESS", vec![], true),
        (BrokerError::BackendUnavailable(Box::new(io())), Unavailable, "BACKEND_UNAVAILABLE", vec![], true),
        (BrokerError::CallerUnknown, Unauthenticated, "CALLER_UNKNOWN", vec![], false),
        (BrokerError::AccessDenied, PermissionDenied, "ACCESS_DENIED", vec![], false),
        (BrokerError::TenantRateLimited(second), ResourceExhausted, "TENANT_RATE_LIMITED", vec![], true),
        (
            BrokerError::QuotaExceeded(acme_quota(QuotaKind::ClientRegistrations)),
            ResourceExhausted,
            "QUOTA_EXCEEDED",
            vec![("quota", "client_registrations"), ("limit", "100")],
            false,
        ),
        (
            BrokerError::InvalidRequest(vec![FieldViolation::new("user_id", "must be set")]),
            InvalidArgument,
            "INVALID_REQUEST",
            vec![],
            false,
        ),
        (
            BrokerError::AuthorizationInvalid(AuthorizationProblem::AlreadyUsed),
            FailedPrecondition,
            "AUTHORIZATION_INVALID",
            vec![("problem", "ALREADY_USED")],
            false,
        ),
        (
            BrokerError::Internal("row 7: hunter2".into()),
            Internal,
            "INTERNAL",
            vec![("incident", "0707070707070707")],
            false,
        ),
    ]
}

#[test]
fn every_error_has_the_code_reason_and_details_of_the_table() {
    for (error, code, reason, metadata, waiting_helps) in table() {
        let status = statuses().of(&error);
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (status.code(), info.reason.as_str(), info.domain.as_str()),
            (code, reason, "tokenbroker")
        );
        let expected: HashMap<_, _> =
            metadata.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert_eq!(info.metadata, expected, "{reason}");
        assert_eq!(status.get_details_retry_info().is_some(), waiting_helps, "{reason}");
    }
}

#[test]
fn every_reason_is_one_of_the_contract() {
    for (error, _, reason, _, _) in table() {
        assert!(broker_proto::reason::parse(reason).is_some(), "{reason} of {error}");
    }
}

#[test]
fn nothing_of_a_driver_or_a_defect_reaches_a_client() {
    for (error, ..) in table() {
        let status = statuses().of(&error);
        assert!(!format!("{status:?}").contains("hunter2"), "{status:?}");
        assert!(!String::from_utf8_lossy(status.details()).contains("hunter2"));
    }
}

#[test]
fn who_is_over_quota_learns_which_and_what_to_do() {
    for (kind, limit, words) in [
        (QuotaKind::Grants, "100000 grants", "raise max_grants"),
        (QuotaKind::ClientRegistrations, "100 client registrations", "raise max_client_registrations"),
        (QuotaKind::PendingAuthorizations, "10000 pending", "raise max_pending_authorizations"),
        (QuotaKind::AccessPolicies, "1000 access policies", "raise max_access_policies"),
    ] {
        let status = statuses().of(&BrokerError::QuotaExceeded(acme_quota(kind)));
        let message = status.message();
        assert!(message.contains(limit) && message.contains(words), "{message}");
    }
}

#[test]
fn a_malformed_request_names_its_fields() {
    let error = BrokerError::InvalidRequest(vec![FieldViolation::new("requests[3].user_id", "must be set")]);
    let status = statuses().of(&error);
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "requests[3].user_id");
    assert!(status.message().contains("requests[3].user_id must be set"));
}

#[test]
fn where_to_consent_again_is_told_only_where_that_helps_and_only_of_what_was_asked_for() {
    let url = ReconsentUrl::parse("https://app.example/connect?user={user}").unwrap();
    let statuses = Statuses::new(Arc::new(Sevens), Some(url));
    let key = GrantKey {
        tenant: TenantId::new("acme").unwrap(),
        provider: broker_core::ProviderName::new("evercam").unwrap(),
        user: broker_core::UserId::new("ada").unwrap(),
        account: broker_core::AccountLabel::default_label(),
    };
    for (error, _, reason, ..) in table() {
        let links = |status: Status| -> Vec<String> {
            let links = status.get_details_help().map(|help| help.links).unwrap_or_default();
            links.into_iter().map(|link| link.url).collect()
        };
        let helps = ["CONSENT_REQUIRED", "GRANT_EXPIRED"].contains(&reason);
        let expected = helps.then(|| "https://app.example/connect?user=ada".to_owned());
        assert_eq!(links(statuses.about(&error, Some(&key))), Vec::from_iter(expected), "{reason}");
        assert_eq!(links(statuses.of(&error)), [""; 0], "{reason}: of which grant?");
        assert_eq!(links(self::statuses().about(&error, Some(&key))), [""; 0], "{reason}: nobody said where");
    }
}
