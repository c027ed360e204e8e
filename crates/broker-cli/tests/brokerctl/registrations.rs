use broker_proto::v1::{
    ClientRegistration, ClientRegistrationState, ClientSecret, ClientSecretTest, ClientSecretVerdict,
    CreateClientRegistrationResponse, DeleteClientRegistrationResponse, GetClientRegistrationResponse,
    ListClientRegistrationsResponse, TestClientRegistrationResponse, UpdateClientRegistrationResponse,
};

use crate::ctl::{Run, ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

const OF: &str = "--tenant acme --provider evercam";

fn registration(id: &str) -> ClientRegistration {
    ClientRegistration {
        tenant_id: "acme".into(),
        provider: "evercam".into(),
        registration_id: id.into(),
        client_id: "c".into(),
        secrets: vec![
            ClientSecret {
                secret_id: "2".into(),
                last_accepted_time: Some("2020-01-01T00:00:00Z".parse().unwrap()),
                ..Default::default()
            },
            ClientSecret { secret_id: "1".into(), ..Default::default() },
        ],
        scopes: vec!["a".into(), "b".into()],
        return_to: [("home".to_owned(), "https://app.example/".to_owned())].into(),
        state: ClientRegistrationState::Rejected.into(),
        etag: "e7".into(),
        ..Default::default()
    }
}

const CREATE: &str = "registrations create --tenant acme --provider evercam --client-id c \
                      --redirect-uri https://app.example/cb";

async fn create(flags: &str, input: &str) -> (FakeBroker, Run) {
    let broker = FakeBroker::start().await;
    let client_registration = Some(ClientRegistration { client_id: "c".into(), ..Default::default() });
    broker
        .scripts
        .create_client_registration
        .will_answer(Ok(CreateClientRegistrationResponse { client_registration }));
    let run = ctl_with_input(&broker, &format!("{CREATE} {flags}"), input).await;
    (broker, run)
}

#[tokio::test]
async fn the_secret_comes_from_standard_input_and_is_not_printed() {
    let flags = "--client-secret-file - --scope a --scope b --return-to web=https://app.example/done?x=1";
    let (broker, run) = create(flags, "s3cret\r\n").await;
    assert_eq!(run.fact("client id"), "c");
    assert!(!format!("{run:?}").contains("s3cret"));
    let request = &broker.scripts.create_client_registration.requests()[0];
    assert_eq!(request.client_secret, "s3cret");
    assert_eq!(request.registration_id, "default");
    assert_eq!(request.scopes, ["a", "b"]);
    assert_eq!(request.return_to["web"], "https://app.example/done?x=1");
}

#[tokio::test]
async fn a_public_client_has_no_secret() {
    let (broker, run) = create("--public", "").await;
    assert_eq!(run.code, 0, "{run:?}");
    let request = &broker.scripts.create_client_registration.requests()[0];
    assert!(request.public && request.client_secret.is_empty());
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_a_usage_error() {
    for (flags, text) in [
        ("--client-secret-file -", "- is empty"),
        ("--client-secret-file /nowhere/secret", "cannot read /nowhere/secret"),
        ("", "--client-secret-file"),
        ("--public --client-secret-file -", "cannot be used with"),
        ("--client-secret s3cret", "unexpected argument"),
    ] {
        let (broker, run) = create(flags, "\n").await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
        assert!(run.stderr.contains(text), "{flags}: {run:?}");
        assert!(broker.scripts.create_client_registration.requests().is_empty(), "{flags}");
    }
}

#[tokio::test]
async fn a_registration_is_shown_with_its_secrets_and_their_order() {
    let broker = FakeBroker::start().await;
    let client_registration = Some(registration("main"));
    let script = &broker.scripts.get_client_registration;
    script.will_answer(Ok(GetClientRegistrationResponse { client_registration }));
    let run = ctl(&broker, &format!("registrations get {OF} --registration main")).await;
    assert_eq!((run.fact("state"), run.fact("secrets"), run.fact("etag")), ("REJECTED", "2", "e7"));
    assert!(run.fact("  2").starts_with("accepted 2020-01-01T00:00:00Z ("), "{run:?}");
    assert_eq!((run.fact("  1"), run.fact("return to home")), ("never accepted", "https://app.example/"));
    assert_eq!(script.requests()[0].registration_id, "main");
}

#[tokio::test]
async fn registrations_are_listed_page_by_page() {
    let broker = FakeBroker::start().await;
    let public = ClientRegistration { public: true, secrets: vec![], ..registration("b") };
    for (client_registration, next) in [(registration("a"), "page-2"), (public, "")] {
        let client_registrations = vec![client_registration];
        let page = ListClientRegistrationsResponse { client_registrations, next_page_token: next.into() };
        broker.scripts.list_client_registrations.will_answer(Ok(page));
    }
    let run = ctl(&broker, "registrations list --tenant acme").await;
    let lines: Vec<&str> = run.stdout.lines().collect();
    let column = lines[0].find("SECRETS").unwrap();
    assert!(
        lines[1][column..].starts_with("2 ") && lines[2][column..].starts_with("none (public)"),
        "{run:?}"
    );
    let requests = broker.scripts.list_client_registrations.requests();
    assert_eq!((requests[0].provider.as_str(), requests[1].page_token.as_str()), ("", "page-2"));
}

#[tokio::test]
async fn only_what_is_named_is_changed() {
    for (flags, paths) in [
        ("--redirect-uri https://app.example/cb", vec!["redirect_uri"]),
        ("--scope a --scope b", vec!["scopes"]),
        ("--no-scopes --return-to x=https://app.example/", vec!["scopes", "return_to"]),
        ("--no-return-to", vec!["return_to"]),
    ] {
        let broker = FakeBroker::start().await;
        let client_registration = Some(registration("default"));
        let script = &broker.scripts.update_client_registration;
        script.will_answer(Ok(UpdateClientRegistrationResponse { client_registration }));
        let run = ctl(&broker, &format!("registrations update {OF} --etag e7 {flags}")).await;
        assert_eq!(run.code, 0, "{flags}: {run:?}");
        let request = script.requests().remove(0);
        assert_eq!(
            (request.update_mask.unwrap().paths, request.etag.as_str()),
            (paths.iter().map(ToString::to_string).collect(), "e7")
        );
    }
    let broker = FakeBroker::start().await;
    for flags in ["", "--scope a --no-scopes"] {
        let run = ctl(&broker, &format!("registrations update {OF} {flags}")).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
    }
}

#[tokio::test]
async fn a_deletion_says_what_is_gone() {
    let broker = FakeBroker::start().await;
    broker.scripts.delete_client_registration.will_answer(Ok(DeleteClientRegistrationResponse {}));
    let run = ctl(&broker, &format!("registrations delete {OF} --registration old --etag e1")).await;
    assert_eq!(run.fact("deleted"), "old");
    let request = broker.scripts.delete_client_registration.requests().remove(0);
    assert_eq!((request.registration_id.as_str(), request.etag.as_str()), ("old", "e1"));
}

#[tokio::test]
async fn a_test_fails_when_no_secret_is_accepted() {
    use ClientSecretVerdict::{Accepted, Inconclusive, Rejected, Unreachable};
    for (verdicts, code) in [
        (vec![Rejected, Accepted], 0),
        (vec![Rejected, Unreachable], 4),
        (vec![Unreachable, Inconclusive], 5),
    ] {
        let broker = FakeBroker::start().await;
        let tests = verdicts.iter().map(|verdict| ClientSecretTest {
            secret_id: "1".into(),
            verdict: (*verdict).into(),
            oauth_error: if *verdict == Rejected { "invalid_client".into() } else { String::new() },
            http_status: if *verdict == Unreachable { 0 } else { 401 },
        });
        let answer = TestClientRegistrationResponse { secret_tests: tests.collect() };
        broker.scripts.test_client_registration.will_answer(Ok(answer));
        let run = ctl(&broker, &format!("registrations test {OF}")).await;
        assert_eq!(run.code, code, "{verdicts:?}: {run:?}");
        let lines: Vec<&str> = run.stdout.lines().collect();
        assert!(lines[0].starts_with("SECRET  VERDICT"), "{run:?}");
        if verdicts[0] == Rejected {
            assert!(lines[1].ends_with("invalid_client HTTP 401"), "{run:?}");
        }
        assert_eq!(run.stderr.contains("brokerctl secrets add --tenant acme --provider evercam"), code == 4);
    }
}
