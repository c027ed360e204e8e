//! Webhooks: what happens is delivered to a receiver that verifies it with a library of its own.

mod kills;
mod receiver;

use broker_e2e::access::policy;
use broker_e2e::client::read;
use broker_e2e::{Answer, Fleet, House, LONGEST_WAIT, Provider, Site};
use broker_proto::v1::*;
use prost_types::FieldMask;
use tokio::time::Instant;
use tonic::Code;

use self::receiver::Receiver;
use crate::BINARY;
use crate::errors::{bad_fields, refused};

/// Receivers of tests are on this machine.
const ALLOWED: &str = "[webhooks]\nallow_networks = [\"127.0.0.0/8\"]\n";
const TENANT: &str = "acme";

fn create(url: &str) -> CreateWebhookRequest {
    CreateWebhookRequest { tenant_id: TENANT.to_owned(), url: url.to_owned(), ..Default::default() }
}

async fn house() -> House {
    House::plan().child(BINARY).sections(ALLOWED).rotation("tick", "100ms").open().await
}

/// A webhook for everything, and its secret.
async fn hook(house: &House, url: &str) -> (Webhook, String) {
    let created = read(house.client.admin().create_webhook(create(url)).await).unwrap();
    (created.webhook.unwrap(), created.signing_secret)
}

async fn standing(house: &House, webhook: &Webhook) -> Webhook {
    let request =
        GetWebhookRequest { tenant_id: webhook.tenant_id.clone(), webhook_id: webhook.webhook_id.clone() };
    read(house.client.admin().get_webhook(request).await).unwrap().webhook.unwrap()
}

/// How it stands, once it is as asked. The receiver knows before the broker does.
async fn until(house: &House, webhook: &Webhook, is_as_asked: impl Fn(&Webhook) -> bool) -> Webhook {
    let deadline = Instant::now() + LONGEST_WAIT;
    loop {
        let standing = standing(house, webhook).await;
        if is_as_asked(&standing) {
            return standing;
        }
        assert!(Instant::now() < deadline, "{standing:?}");
        tokio::task::yield_now().await;
    }
}

async fn set_state(house: &House, webhook: &Webhook, state: WebhookState) -> Answer<UpdateWebhookResponse> {
    let request = UpdateWebhookRequest {
        tenant_id: webhook.tenant_id.clone(),
        webhook_id: webhook.webhook_id.clone(),
        state: state.into(),
        update_mask: Some(FieldMask { paths: vec!["state".to_owned()] }),
        ..Default::default()
    };
    read(house.client.admin().update_webhook(request).await)
}

#[tokio::test]
async fn what_happens_is_delivered_signed_and_in_order() {
    let (house, receiver) = (house().await, Receiver::open().await);
    let (webhook, secret) = hook(&house, &receiver.url).await;
    assert!(secret.starts_with("whsec_"));
    let key = house.consent(Provider::Evercam, "ada").await;
    house.client.refresh(&key).await.unwrap();
    let revoke = RevokeGrantRequest { key: Some(key.clone()) };
    read(house.client.consents().revoke_grant(revoke).await).unwrap();
    let messages = receiver.until(|messages| messages.len() == 3).await;
    let types: Vec<_> = messages.iter().map(|message| message.event()["type"].clone()).collect();
    assert_eq!(types, ["grant.created", "grant.refreshed", "grant.revoked"]);
    for (message, generation) in messages.iter().zip([1, 2, 2]) {
        assert!(message.is_signed_with(&secret), "{message:?}");
        let event = message.event();
        let data = &event["data"];
        assert_eq!((&data["tenant_id"], &data["user_id"]), (&TENANT.into(), &"ada".into()));
        assert_eq!((&data["provider"], &data["generation"]), (&"evercam".into(), &generation.into()));
        assert_eq!(message.id(), format!("evt_{}", message.sequence()));
        assert_eq!(message.headers["content-type"], "application/json");
    }
    let mut forged = messages[0].clone();
    forged.body.push(b' ');
    assert!(!forged.is_signed_with(&secret));
    let standing = standing(&house, &webhook).await;
    assert!(standing.last_success_time.is_some() && standing.last_failure_time.is_none(), "{standing:?}");
    house.close().await;
}

#[tokio::test]
async fn what_is_not_accepted_is_tried_again_and_nothing_overtakes_it() {
    let (house, receiver) = (house().await, Receiver::open().await);
    let (webhook, _) = hook(&house, &receiver.url).await;
    receiver.answers(503);
    house.consent(Provider::Evercam, "ada").await;
    house.consent(Provider::Evercam, "bob").await;
    receiver.until(|messages| messages.len() == 1).await;
    let waiting = until(&house, &webhook, |standing| standing.last_failure_time.is_some()).await;
    assert_eq!((waiting.pending_count, waiting.last_failure_http_status), (2, 503));
    assert_eq!(waiting.last_failure(), WebhookFailure::Status);
    receiver.answers(200);
    let messages = receiver.until(|messages| messages.len() == 3).await;
    assert_eq!(messages[0].id(), messages[1].id(), "the same message");
    let users: Vec<_> = messages.iter().map(|message| message.event()["data"]["user_id"].clone()).collect();
    assert_eq!(users, ["ada", "ada", "bob"]);
    house.close().await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_switched_off_and_brought_up_to_date_on_demand() {
    let (house, receiver) = (house().await, Receiver::open().await);
    let (webhook, _) = hook(&house, &receiver.url).await;
    receiver.answers(410);
    house.consent(Provider::Evercam, "ada").await;
    let failed = until(&house, &webhook, |standing| standing.state() == WebhookState::Failed).await;
    assert_ne!(failed.etag, webhook.etag);
    receiver.answers(204);
    house.consent(Provider::Evercam, "bob").await;
    let enabled = set_state(&house, &webhook, WebhookState::Enabled).await.unwrap().webhook.unwrap();
    assert_eq!(enabled.state(), WebhookState::Enabled);
    house.consent(Provider::Evercam, "eve").await;
    let messages = receiver.until(|messages| messages.len() == 2).await;
    assert_eq!(
        messages[1].event()["data"]["user_id"],
        "eve",
        "what happened meanwhile is not sent by itself"
    );
    let request = RedeliverWebhookRequest {
        tenant_id: TENANT.to_owned(),
        webhook_id: webhook.webhook_id.clone(),
        from_sequence: failed.delivered_through_sequence + 1,
        to_sequence: messages[1].sequence() - 1,
    };
    let scheduled = read(house.client.admin().redeliver_webhook(request).await).unwrap().scheduled_count;
    assert_eq!(scheduled, 3);
    let messages = receiver.until(|messages| messages.len() == 5).await;
    let types: Vec<_> = messages[2..].iter().map(|message| message.event()["type"].clone()).collect();
    assert_eq!(types, ["grant.created", "webhook.disabled", "grant.created"]);
    assert_eq!(messages[3].event()["data"]["webhook_id"], webhook.webhook_id);
    house.close().await;
}

#[tokio::test]
async fn both_secrets_sign_while_receivers_change_over() {
    let (house, receiver) = (house().await, Receiver::open().await);
    let (webhook, old) = hook(&house, &receiver.url).await;
    let rotate = async |seconds| {
        let request = RotateWebhookSecretRequest {
            tenant_id: TENANT.to_owned(),
            webhook_id: webhook.webhook_id.clone(),
            overlap: Some(prost_types::Duration { seconds, nanos: 0 }),
        };
        read(house.client.admin().rotate_webhook_secret(request).await).unwrap()
    };
    let rotated = rotate(3600).await;
    assert!(rotated.webhook.unwrap().old_secret_expire_time.is_some());
    house.consent(Provider::Evercam, "ada").await;
    let messages = receiver.until(|messages| messages.len() == 1).await;
    assert!(messages[0].is_signed_with(&old) && messages[0].is_signed_with(&rotated.signing_secret));
    let last = rotate(0).await.signing_secret;
    house.consent(Provider::Evercam, "bob").await;
    let messages = receiver.until(|messages| messages.len() == 2).await;
    assert!(messages[1].is_signed_with(&last) && !messages[1].is_signed_with(&rotated.signing_secret));
    house.close().await;
}

#[tokio::test]
async fn only_what_was_asked_for_is_sent() {
    let (house, receiver) = (house().await, Receiver::open().await);
    let types = vec![EventType::GrantRefreshed.into()];
    let request = CreateWebhookRequest { event_types: types, ..create(&receiver.url) };
    read(house.client.admin().create_webhook(request).await).unwrap();
    for user in ["ada", "bob"] {
        let key = house.consent(Provider::Evercam, user).await;
        house.client.refresh(&key).await.unwrap();
    }
    let messages = receiver.until(|messages| messages.len() == 2).await;
    assert!(messages.iter().all(|message| message.event()["type"] == "grant.refreshed"));
    house.close().await;
}

#[tokio::test]
async fn nothing_inside_the_walls_is_called() {
    let house = House::plan().child(BINARY).rotation("tick", "100ms").open().await;
    for url in [
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "https://localhost/",
        "https://10.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest/meta-data",
        "http://hooks.example.com/",
        "ftp://hooks.example.com/",
        "https://user:password@hooks.example.com/",
        "https://hooks.example.com/#part",
        "nonsense",
        "",
    ] {
        assert_eq!(
            bad_fields(read(house.client.admin().create_webhook(create(url)).await)),
            ["url"],
            "{url}"
        );
    }
    // A name says nothing by itself: what it stands for is looked at when something is sent.
    let (webhook, _) = hook(&house, "https://localhost.localdomain.invalid/").await;
    house.consent(Provider::Evercam, "ada").await;
    let no_connection = WebhookFailure::NoConnection;
    until(&house, &webhook, |standing| standing.last_failure() == no_connection).await;
    house.close().await;
}

#[tokio::test]
async fn every_bad_field_of_a_webhook_is_named() {
    let house = House::open().await;
    let mut admin = house.client.admin();
    let request = CreateWebhookRequest {
        event_types: vec![99],
        description: "x".repeat(257),
        request_id: "7".to_owned(),
        ..create("https://hooks.example.com/")
    };
    assert_eq!(
        bad_fields(read(admin.create_webhook(request).await)),
        ["event_types[0]", "description", "request_id"]
    );
    let request = RedeliverWebhookRequest {
        tenant_id: TENANT.to_owned(),
        webhook_id: "x".to_owned(),
        from_sequence: 0,
        to_sequence: 0,
    };
    assert_eq!(
        bad_fields(read(admin.redeliver_webhook(request.clone()).await)),
        ["webhook_id", "from_sequence"]
    );
    let places = RedeliverWebhookRequest { from_sequence: u64::MAX, to_sequence: 1 << 63, ..request };
    let fields = bad_fields(read(admin.redeliver_webhook(places).await));
    assert_eq!(fields, ["webhook_id", "from_sequence", "to_sequence"]);
    let (webhook, _) = hook(&house, "https://hooks.example.com/").await;
    assert_eq!(bad_fields(set_state(&house, &webhook, WebhookState::Failed).await), ["state"]);
    house.close().await;
}

#[tokio::test]
async fn a_webhook_is_created_once_listed_and_deleted_with_its_etag() {
    let house = House::open().await;
    let mut admin = house.client.admin();
    let request = CreateWebhookRequest {
        request_id: "018f3a3e-5b77-7bbb-8f6f-0123456789ab".to_owned(),
        ..create("https://hooks.example.com/")
    };
    let first = read(admin.create_webhook(request.clone()).await).unwrap();
    let again = read(admin.create_webhook(request).await).unwrap();
    assert_eq!(first, again);
    let webhook = first.webhook.unwrap();
    let list = ListWebhooksRequest { tenant_id: TENANT.to_owned(), ..Default::default() };
    assert_eq!(read(admin.list_webhooks(list).await).unwrap().webhooks, std::slice::from_ref(&webhook));
    let delete = |etag: &str| DeleteWebhookRequest {
        tenant_id: TENANT.to_owned(),
        webhook_id: webhook.webhook_id.clone(),
        etag: etag.to_owned(),
    };
    refused(read(admin.delete_webhook(delete("1")).await), Code::Aborted, Reason::EtagMismatch);
    read(admin.delete_webhook(delete(&webhook.etag)).await).unwrap();
    refused(read(admin.delete_webhook(delete("")).await), Code::NotFound, Reason::ResourceNotFound);
    house.close().await;
}

fn denied<T>(answer: Answer<T>) {
    refused(answer, Code::PermissionDenied, Reason::AccessDenied);
}

#[tokio::test]
async fn who_observes_one_tenant_reads_its_webhooks_and_changes_none() {
    let house = House::plan().enforce(&policy("watcher", &["observe"], TENANT, "*")).open().await;
    let (webhook, _) = hook(&house, "https://hooks.example.com/").await;
    let watcher = house.client.named("watcher");
    let list = |tenant: &str| ListWebhooksRequest { tenant_id: tenant.to_owned(), ..Default::default() };
    assert_eq!(read(watcher.admin().list_webhooks(list(TENANT)).await).unwrap().webhooks.len(), 1);
    denied(read(watcher.admin().list_webhooks(list("globex")).await));
    denied(read(watcher.admin().create_webhook(create("https://hooks.example.com/")).await));
    let rotate = RotateWebhookSecretRequest {
        tenant_id: TENANT.to_owned(),
        webhook_id: webhook.webhook_id,
        overlap: None,
    };
    denied(read(watcher.admin().rotate_webhook_secret(rotate).await));
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_replicas_one_delivers_each_event() {
    let receiver = Receiver::open().await;
    let plan = Fleet::plan(BINARY).replicas(2).scheduler().rotation("tick", "50ms").sections(ALLOWED);
    let fleet = plan.start().await;
    let request = create(&receiver.url);
    let created = read(fleet.client(0).admin().create_webhook(request).await).unwrap();
    let keys = fleet.consents(Site::Strict, 0..10).await;
    for (number, key) in keys.iter().enumerate() {
        fleet.client(number % 2).refresh(key).await.unwrap();
    }
    let first = created.webhook.unwrap().delivered_through_sequence + 1;
    let messages = receiver.accepted_through(first + 19).await;
    let places: Vec<_> = messages.iter().map(receiver::Message::sequence).collect();
    assert_eq!(places, (first..first + 20).collect::<Vec<_>>(), "each once, and in its order");
    assert!(messages.iter().all(|message| message.is_signed_with(&created.signing_secret)));
    fleet.close().await;
}
