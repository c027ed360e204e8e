use broker_proto::v1::{
    AddClientSecretResponse, ClientRegistration, ClientSecret, GetClientRegistrationResponse,
    RetireClientSecretResponse,
};

use crate::ctl::{ctl, ctl_with_input};
use crate::fake_broker::FakeBroker;

const OF: &str = "--tenant acme --provider evercam --registration main";

fn registration() -> Option<ClientRegistration> {
    let secret = |id: &str| ClientSecret { secret_id: id.into(), ..Default::default() };
    Some(ClientRegistration { secrets: vec![secret("2"), secret("1")], ..Default::default() })
}

#[tokio::test]
async fn a_secret_is_added_from_standard_input_and_not_printed() {
    let broker = FakeBroker::start().await;
    let answer = AddClientSecretResponse { client_registration: registration(), secret_id: "2".into() };
    broker.scripts.add_client_secret.will_answer(Ok(answer));
    let run =
        ctl_with_input(&broker, &format!("secrets add {OF} --secret-file - --prefer"), "s3cret\n").await;
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stderr.contains("Added secret 2.") && !format!("{run:?}").contains("s3cret"), "{run:?}");
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert!(lines[1].starts_with("1      2       never"), "{run:?}");
    let request = &broker.scripts.add_client_secret.requests()[0];
    assert_eq!((request.client_secret.as_str(), request.prefer), ("s3cret", true));
    assert_eq!(request.registration_id, "main");
}

#[tokio::test]
async fn a_secret_on_the_command_line_is_a_usage_error() {
    let broker = FakeBroker::start().await;
    for flags in ["", "--secret s3cret", "--client-secret s3cret", "s3cret"] {
        let run = ctl(&broker, &format!("secrets add {OF} {flags}")).await;
        assert_eq!(run.code, 2, "{flags}: {run:?}");
    }
    assert!(broker.scripts.add_client_secret.requests().is_empty());
}

#[tokio::test]
async fn a_secret_is_retired_by_its_id() {
    let broker = FakeBroker::start().await;
    let answer = RetireClientSecretResponse { client_registration: registration() };
    broker.scripts.retire_client_secret.will_answer(Ok(answer));
    let run = ctl(&broker, &format!("secrets retire {OF} 1 --etag e1")).await;
    assert_eq!(run.code, 0, "{run:?}");
    let request = &broker.scripts.retire_client_secret.requests()[0];
    assert_eq!((request.secret_id.as_str(), request.etag.as_str()), ("1", "e1"));
}

#[tokio::test]
async fn secrets_are_listed_in_the_order_in_which_they_are_tried() {
    let broker = FakeBroker::start().await;
    let answer = GetClientRegistrationResponse { client_registration: registration() };
    broker.scripts.get_client_registration.will_answer(Ok(answer));
    let run = ctl(&broker, &format!("secrets list {OF}")).await;
    assert!(run.stdout.starts_with("TRIED  SECRET  LAST ACCEPTED"), "{run:?}");
    assert_eq!(run.stdout.lines().count(), 3);
}
