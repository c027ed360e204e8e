use broker_proto::v1::{ClientRegistration, CreateClientRegistrationResponse, CreateTenantResponse, Tenant};

use crate::ctl::{Run, ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

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
async fn a_tenant_is_created() {
    let broker = FakeBroker::start().await;
    let tenant = Some(Tenant { tenant_id: "acme".into(), ..Default::default() });
    broker.scripts.create_tenant.will_answer(Ok(CreateTenantResponse { tenant }));
    let run = ctl(&broker, "tenants create --tenant acme --display-name Acme").await;
    assert_eq!(run.fact("tenant"), "acme");
    assert_eq!(broker.scripts.create_tenant.requests()[0].display_name, "Acme");
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
