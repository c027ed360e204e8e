use std::fs;

use broker_proto::v1::{
    CreateWebhookResponse, EventType, ListWebhooksResponse, RedeliverWebhookResponse, UpdateWebhookResponse,
    Webhook, WebhookFailure, WebhookState,
};
use tonic::Status;

use crate::ctl::ctl;
use crate::fake_broker::FakeBroker;

const CREATE: &str =
    "webhooks create --tenant acme --url https://hooks.example/ --type grant.expiring --secret-file";

fn webhook() -> Webhook {
    Webhook {
        webhook_id: "0190b4e2-0000-7000-8000-000000000000".to_owned(),
        url: "https://hooks.example/".to_owned(),
        event_types: vec![EventType::GrantExpiring.into()],
        state: WebhookState::Failed.into(),
        last_failure: WebhookFailure::Timeout.into(),
        pending_count: 7,
        ..Default::default()
    }
}

fn created() -> CreateWebhookResponse {
    CreateWebhookResponse { webhook: Some(webhook()), signing_secret: "whsec_hunter2".to_owned() }
}

#[tokio::test]
async fn the_secret_goes_to_a_file_of_its_owner_and_is_not_printed() {
    let broker = FakeBroker::start().await;
    let directory = tempfile::tempdir().unwrap();
    for format in ["table", "json"] {
        broker.scripts.create_webhook.will_answer(Ok(created()));
        let file = directory.path().join(format);
        let run = ctl(&broker, &format!("-o {format} {CREATE} {}", file.display())).await;
        assert_eq!(run.code, 0, "{run:?}");
        assert!(run.stdout.contains("https://hooks.example/"), "{run:?}");
        assert!(!format!("{run:?}").contains("hunter2"), "{run:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "whsec_hunter2\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }
    let request = &broker.scripts.create_webhook.requests()[0];
    assert_eq!(request.event_types, [i32::from(EventType::GrantExpiring)]);
}

#[tokio::test]
async fn a_file_that_is_there_is_left_as_it_is_and_nothing_is_created() {
    let broker = FakeBroker::start().await;
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    fs::write(&file, "another").unwrap();
    let run = ctl(&broker, &format!("{CREATE} {}", file.display())).await;
    assert_eq!(run.code, 2, "{run:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), "another");
    assert!(broker.scripts.create_webhook.requests().is_empty());
}

#[tokio::test]
async fn a_refused_create_leaves_no_empty_file() {
    let broker = FakeBroker::start().await;
    broker.scripts.create_webhook.will_answer(Err(Status::permission_denied("no")));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("secret");
    let run = ctl(&broker, &format!("{CREATE} {}", file.display())).await;
    assert_ne!(run.code, 0, "{run:?}");
    assert!(!file.exists());
}

#[tokio::test]
async fn webhooks_are_listed_with_what_waits() {
    let broker = FakeBroker::start().await;
    let answer = ListWebhooksResponse { webhooks: vec![webhook()], ..Default::default() };
    broker.scripts.list_webhooks.will_answer(Ok(answer));
    let run = ctl(&broker, "webhooks list --tenant acme").await;
    assert!(run.stdout.starts_with("WEBHOOK "), "{run:?}");
    assert!(run.stdout.contains("FAILED") && run.stdout.contains('7'), "{run:?}");
}

#[tokio::test]
async fn only_what_is_given_is_changed() {
    let broker = FakeBroker::start().await;
    let id = webhook().webhook_id;
    for (line, paths) in [
        ("update --description new", vec!["description"]),
        ("update --all-types --url https://b.example/", vec!["url", "event_types"]),
        ("enable", vec!["state"]),
        ("disable", vec!["state"]),
    ] {
        broker.scripts.update_webhook.will_answer(Ok(UpdateWebhookResponse { webhook: Some(webhook()) }));
        let run = ctl(&broker, &format!("webhooks {line} --tenant acme --webhook {id}")).await;
        assert_eq!(run.code, 0, "{run:?}");
        assert_eq!(run.fact("last failure"), "TIMEOUT");
        let request = broker.scripts.update_webhook.requests().pop().unwrap();
        assert_eq!(request.update_mask.unwrap().paths, paths, "{line}");
    }
    let run = ctl(&broker, &format!("webhooks update --tenant acme --webhook {id}")).await;
    assert_eq!(run.code, 2, "{run:?}");
}

#[tokio::test]
async fn what_is_sent_again_is_counted() {
    let broker = FakeBroker::start().await;
    broker.scripts.redeliver_webhook.will_answer(Ok(RedeliverWebhookResponse { scheduled_count: 12 }));
    let line = format!("webhooks redeliver --tenant acme --webhook {} --from 5", webhook().webhook_id);
    let run = ctl(&broker, &line).await;
    assert_eq!((run.code, run.fact("scheduled")), (0, "12"), "{run:?}");
    let request = &broker.scripts.redeliver_webhook.requests()[0];
    assert_eq!((request.from_sequence, request.to_sequence), (5, 0));
}
