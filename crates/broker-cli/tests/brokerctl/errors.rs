use std::time::Duration;

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::ctl::{Run, ctl, ctl_with_input, run};
use crate::fake_broker::FakeBroker;

const GET: &str = "token get --tenant acme --provider evercam --user o'neil";

async fn fail_with(status: Status) -> Run {
    let broker = FakeBroker::start().await;
    broker.scripts.get_access_token.will_answer(Err(status));
    ctl(&broker, GET).await
}

fn status(code: Code, reason: &str, metadata: &[(&str, &str)]) -> Status {
    let metadata = metadata.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let details = ErrorDetails::with_error_info(
        reason,
        "tokenbroker",
        metadata.collect::<std::collections::HashMap<_, _>>(),
    );
    Status::with_error_details(code, "what happened", details)
}

#[tokio::test]
async fn every_code_has_its_exit_code() {
    for (code, exit) in [
        (Code::Internal, 1),
        (Code::Unknown, 1),
        (Code::Unimplemented, 1),
        (Code::NotFound, 3),
        (Code::FailedPrecondition, 4),
        (Code::Unavailable, 5),
        (Code::ResourceExhausted, 5),
        (Code::DeadlineExceeded, 5),
        (Code::Unauthenticated, 6),
        (Code::PermissionDenied, 6),
        (Code::InvalidArgument, 7),
        (Code::AlreadyExists, 8),
        (Code::Aborted, 8),
    ] {
        let run = fail_with(Status::new(code, "what happened")).await;
        assert_eq!(run.code, exit, "{code:?}: {run:?}");
        assert!(run.stdout.is_empty() && run.stderr.starts_with("error: what happened\n"), "{run:?}");
    }
}

#[tokio::test]
async fn a_required_consent_names_the_command() {
    let run = fail_with(status(Code::FailedPrecondition, "CONSENT_REQUIRED", &[("cause", "REVOKED")])).await;
    assert_eq!(
        run.stderr,
        "error: what happened\n  \
         reason: CONSENT_REQUIRED (cause REVOKED)\n  \
         next:   brokerctl consent start --tenant acme --provider evercam --user 'o'\\''neil'\n"
    );
}

#[tokio::test]
async fn where_the_user_consents_again_is_told() {
    let mut details = ErrorDetails::with_error_info("CONSENT_REQUIRED", "tokenbroker", []);
    details.add_help_link("here the user consents again", "https://app.example/connect?u=o%27neil\u{1b}[2J");
    let run = fail_with(Status::with_error_details(Code::FailedPrecondition, "what happened", details)).await;
    let help = "  help:   https://app.example/connect?u=o%27neil [2J (here the user consents again)\n";
    assert!(run.stderr.ends_with(help), "{}", run.stderr);
}

#[tokio::test]
async fn an_unknown_tenant_is_to_be_created_and_what_failed_is_not_suggested() {
    let broker = FakeBroker::start().await;
    let scripts = &broker.scripts;
    let not_found = || status(Code::NotFound, "GRANT_NOT_FOUND", &[]);
    scripts.list_grants.will_answer(Err(not_found()));
    scripts.create_client_registration.will_answer(Err(not_found()));
    scripts.start_authorization.will_answer(Err(not_found()));
    scripts.get_access_token.will_answer(Err(not_found()));
    let registration = "--client-id c --public --redirect-uri https://app.example/cb";
    for (line, next) in [
        ("grants list --tenant t".to_owned(), "brokerctl tenants create --tenant t"),
        (
            format!("registrations create --tenant t --provider p {registration}"),
            "brokerctl tenants create --tenant t",
        ),
        ("consent start --tenant t --provider p --user u".to_owned(), "brokerctl tenants create --tenant t"),
        (
            "token get --tenant t --provider p --user u".to_owned(),
            "brokerctl consent start --tenant t --provider p --user u",
        ),
    ] {
        let run = ctl(&broker, &line).await;
        assert!(run.stderr.ends_with(&format!("next:   {next}\n")), "{line}: {run:?}");
    }
}

#[tokio::test]
async fn what_the_failed_command_did_not_say_is_a_placeholder() {
    let broker = FakeBroker::start().await;
    let late = status(Code::FailedPrecondition, "AUTHORIZATION_INVALID", &[("problem", "EXPIRED")]);
    broker.scripts.complete_authorization.will_answer(Err(late));
    let line = "consent complete --tenant t --user u --callback-url-file -";
    let run = ctl_with_input(&broker, line, "https://app.example/cb?code=a&state=b").await;
    let next = "next:   brokerctl consent start --tenant t --provider PROVIDER --user u\n";
    assert!(run.stderr.ends_with(next), "{run:?}");

    let none = status(Code::FailedPrecondition, "NO_CLIENT_REGISTRATION", &[]);
    broker.scripts.start_authorization.will_answer(Err(none));
    let run = ctl(&broker, "consent start --tenant t --provider p --user u").await;
    let next = "next:   brokerctl registrations create --tenant t --provider p --client-id CLIENT_ID \
                --client-secret-file FILE --redirect-uri URI\n";
    assert!(run.stderr.ends_with(next), "{run:?}");
}

#[tokio::test]
async fn health_does_not_suggest_itself() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = run(&format!("--endpoint {endpoint} health"), "").await;
    assert!(run.stderr.contains("next:   is the broker running"), "{run:?}");
    assert!(!run.stderr.contains("brokerctl health"), "{run:?}");
}

#[tokio::test]
async fn missing_scopes_are_asked_for() {
    let run = fail_with(status(Code::FailedPrecondition, "MISSING_SCOPES", &[("missing", "a:b c")])).await;
    assert!(run.stderr.ends_with("--scope a:b --scope c\n"), "{run:?}");
}

#[tokio::test]
async fn waiting_has_a_length() {
    let mut details = ErrorDetails::with_error_info("PROVIDER_UNAVAILABLE", "tokenbroker", []);
    details.set_retry_info(Some(Duration::from_millis(2500)));
    let run = fail_with(Status::with_error_details(Code::Unavailable, "down", details)).await;
    assert!(run.stderr.ends_with("next:   try again in 3 s\n"), "{run:?}");
}

#[tokio::test]
async fn wrong_fields_are_named() {
    let mut details = ErrorDetails::with_error_info("INVALID_REQUEST", "tokenbroker", []);
    details.add_bad_request_violation("user_id", "is too\nlong");
    let run = fail_with(Status::with_error_details(Code::InvalidArgument, "malformed", details)).await;
    assert_eq!(run.code, 7);
    assert!(run.stderr.contains("field:  user_id is too long\n"), "{run:?}");
}

#[tokio::test]
async fn a_reason_of_a_newer_broker_is_shown() {
    let run = fail_with(status(Code::Aborted, "FROM_THE_FUTURE", &[])).await;
    assert!(run.stderr.contains("reason: FROM_THE_FUTURE\n"), "{run:?}");
}

#[tokio::test]
async fn no_broker_is_unavailable_and_says_where_it_looked() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let run = run(&format!("--endpoint {endpoint} {GET}"), "").await;
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stderr.contains(&format!("running at {endpoint}?")), "{run:?}");
}

#[tokio::test]
async fn a_broker_that_never_answers_is_unavailable() {
    // Connections are accepted by the system and read by nobody.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let run = run(&format!("--endpoint {endpoint} --timeout 100ms {GET}"), "").await;
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stderr.contains("--timeout"), "{run:?}");
}
