//! Deliveries in simulated time.

use std::time::Duration;

use broker_core::ports::{DeliveryRefusal, WebhookKey};
use broker_core::testing::conformance::actor;
use broker_core::{
    BrokerError, DeliveryFailure, EventType, NewWebhook, RequestId, WebhookState, WebhookUpdate,
};

use crate::world::{World, tenant};

const DAY: u64 = 24 * 3600;

fn new_webhook(url: &str) -> NewWebhook {
    NewWebhook { tenant: tenant(), url: url.to_owned(), types: vec![], description: String::new() }
}

fn status(status: u16) -> DeliveryRefusal {
    DeliveryRefusal { failure: DeliveryFailure::Status(status), retry_after: None }
}

impl World {
    async fn hook(&self) -> WebhookKey {
        let new = new_webhook("https://hooks.example/");
        let (made, _) = self.broker.create_webhook(new, None, &actor()).await.unwrap();
        WebhookKey { tenant: tenant(), id: made.webhook.id }
    }

    /// So many events.
    async fn happen(&self, count: usize) {
        for _ in 0..count {
            self.consent().await.unwrap();
        }
    }

    async fn deliver(&self) {
        self.broker.deliver_due().await.unwrap();
    }

    async fn state(&self, key: &WebhookKey) -> WebhookState {
        self.broker.webhook(key).await.unwrap().webhook.state
    }

    async fn enable(&self, key: &WebhookKey) {
        let update = WebhookUpdate {
            key: key.clone(),
            url: None,
            types: None,
            description: None,
            enabled: Some(true),
            expected: None,
        };
        self.broker.update_webhook(update, &actor()).await.unwrap();
    }

    async fn refuse_once_and_pass(&self, seconds: u64) {
        self.receiver.will_refuse(status(500));
        self.deliver().await;
        self.pass(seconds);
    }

    /// The receiver refuses whatever comes, until the webhook is switched off. Answers after how many seconds.
    async fn refuse_until_switched_off(&self, key: &WebhookKey) -> u64 {
        let mut seconds = 0;
        self.receiver.refuses(Some(status(500)));
        while self.state(key).await == WebhookState::Enabled {
            self.deliver().await;
            self.pass(600);
            seconds += 600;
            assert!(seconds < 4 * DAY, "it is never switched off");
        }
        self.receiver.refuses(None);
        seconds
    }
}

#[tokio::test]
async fn what_happens_is_delivered_in_its_order_and_once() {
    let world = World::new().await;
    world.hook().await;
    world.happen(3).await;
    world.deliver().await;
    let received = world.receiver.taken();
    assert_eq!(received.iter().map(|received| received.sequence).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(received.iter().all(|received| received.url == "https://hooks.example/"));
    assert_eq!(received[0].event_type, EventType::GrantRefreshed);
    world.deliver().await;
    assert_eq!(world.receiver.places(), [0u64; 0]);
    world.happen(1).await;
    world.deliver().await;
    assert_eq!(world.receiver.places(), [5]);
}

#[tokio::test]
async fn a_long_log_is_delivered_in_turns() {
    let world = World::new().await;
    world.hook().await;
    world.happen(120).await;
    for expected in [2..52, 52..102, 102..122] {
        world.deliver().await;
        assert_eq!(world.receiver.places(), expected.collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_slow_receiver_has_no_longer_turn_than_others() {
    let world = World::new().await;
    world.hook().await;
    world.happen(10).await;
    world.receiver.takes(&world.clock, Duration::from_secs(8));
    for expected in [[2, 3], [4, 5]] {
        world.deliver().await;
        assert_eq!(world.receiver.places(), expected);
    }
}

#[tokio::test]
async fn nothing_overtakes_what_was_not_accepted() {
    let world = World::new().await;
    let key = world.hook().await;
    world.happen(2).await;
    for _ in 0..2 {
        world.receiver.will_refuse(status(503));
    }
    world.deliver().await;
    assert_eq!(world.receiver.places(), [2]);
    let standing = world.broker.webhook(&key).await.unwrap().progress;
    assert_eq!((standing.pending, standing.last_failure.unwrap().failure), (2, DeliveryFailure::Status(503)));
    world.pass(3);
    world.deliver().await;
    assert_eq!(world.receiver.places(), [0u64; 0], "not so soon");
    world.pass(3);
    world.deliver().await;
    assert_eq!(world.receiver.places(), [2]);
    world.pass(34);
    world.deliver().await;
    assert_eq!(world.receiver.places(), [2, 3]);
}

#[tokio::test]
async fn a_failure_after_a_success_counts_from_itself() {
    let world = World::new().await;
    let key = world.hook().await;
    world.happen(1).await;
    world.refuse_once_and_pass(2 * DAY).await;
    world.happen(1).await;
    // The one that waited is accepted, and the next one fails for the first time.
    world.receiver.will_refuse_after_one(status(500));
    world.deliver().await;
    assert_eq!(world.receiver.places(), [2, 2, 3]);
    world.pass(2 * DAY);
    world.receiver.will_refuse(status(500));
    world.deliver().await;
    assert_eq!(world.state(&key).await, WebhookState::Enabled);
}

#[tokio::test]
async fn three_days_of_failures_switch_a_webhook_off_and_missed_events_are_sent_on_demand() {
    let world = World::new().await;
    let key = world.hook().await;
    world.happen(1).await;
    let took = world.refuse_until_switched_off(&key).await;
    assert!((3 * DAY..3 * DAY + 1200).contains(&took), "{took}");
    assert_eq!(world.state(&key).await, WebhookState::Failed);
    world.receiver.taken();
    world.happen(1).await;
    world.deliver().await;
    world.enable(&key).await;
    world.happen(1).await;
    world.deliver().await;
    let received = world.receiver.taken();
    assert_eq!(received.len(), 1, "from then on: {received:?}");
    let newest = received[0].sequence;
    let missed = world.broker.redeliver_webhook(&key, 2, Some(newest - 1), &actor()).await.unwrap();
    assert_eq!(missed, newest - 2, "the switching off itself among them");
    world.deliver().await;
    assert_eq!(world.receiver.places(), (2..newest).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_believed() {
    let world = World::new().await;
    let key = world.hook().await;
    world.happen(1).await;
    world.receiver.will_refuse(status(410));
    world.deliver().await;
    assert_eq!(world.state(&key).await, WebhookState::Failed);
}

#[tokio::test]
async fn a_receiver_that_asks_for_time_is_given_it() {
    let world = World::new().await;
    world.hook().await;
    world.happen(1).await;
    let wait = Some(Duration::from_secs(300));
    world.receiver.will_refuse(DeliveryRefusal { retry_after: wait, ..status(429) });
    for (seconds, sent) in [(0, 1), (299, 0), (1, 1)] {
        world.pass(seconds);
        world.deliver().await;
        assert_eq!(world.receiver.places().len(), sent, "after {seconds} more");
    }
}

#[tokio::test]
async fn both_secrets_sign_until_the_old_one_is_over() {
    let world = World::new().await;
    let new = new_webhook("https://hooks.example/");
    let (made, old) = world.broker.create_webhook(new, None, &actor()).await.unwrap();
    let key = WebhookKey { tenant: tenant(), id: made.webhook.id };
    let overlap = Duration::from_secs(3600);
    let (_, new) = world.broker.rotate_webhook_secret(&key, overlap, &actor()).await.unwrap();
    let (old, new) = (old.sign("id", 0, b"body"), new.sign("id", 0, b"body"));
    for (seconds, signatures) in [(0, vec![new.clone(), old]), (3600, vec![new])] {
        world.pass(seconds);
        world.happen(1).await;
        world.deliver().await;
        assert_eq!(world.receiver.taken().last().unwrap().signatures, signatures);
    }
}

#[tokio::test]
async fn a_repeated_create_answers_the_same_webhook_and_secret() {
    let world = World::new().await;
    let request = Some(RequestId::from_bytes([1; 16]));
    let create = async |url| world.broker.create_webhook(new_webhook(url), request, &actor()).await;
    let (first, secret) = create("https://hooks.example/").await.unwrap();
    let (again, same) = create("https://hooks.example/").await.unwrap();
    assert_eq!(first.webhook, again.webhook);
    assert_eq!(secret.to_text(), same.to_text());
    let Err(BrokerError::InvalidRequest(violations)) = create("https://other.example/").await else {
        panic!()
    };
    assert_eq!(violations[0].field, "request_id");
}

#[tokio::test]
async fn a_url_that_may_not_be_called_is_refused_by_its_field() {
    let world = World::new().await;
    let long = format!("https://hooks.example/{}", "x".repeat(2048));
    for url in ["http://hooks.example/", "", &long] {
        let refused = world.broker.create_webhook(new_webhook(url), None, &actor()).await;
        let Err(BrokerError::InvalidRequest(violations)) = refused else { panic!("{url}") };
        assert_eq!(violations[0].field, "url");
    }
}

/// The process died after the receiver accepted, before that was noted.
#[tokio::test]
async fn what_was_accepted_and_not_noted_is_sent_again() {
    let mut world = World::new().await;
    world.hook().await;
    world.happen(2).await;
    let (broker, receiver) = (world.broker.clone(), world.receiver.clone());
    receiver.will_die();
    let mut dying = tokio::task::JoinSet::new();
    dying.spawn(async move { broker.deliver_due().await });
    assert!(dying.join_next().await.unwrap().unwrap_err().is_panic());
    assert_eq!(world.receiver.places(), [2]);
    world.restart();
    world.broker.recover().await.unwrap();
    world.deliver().await;
    assert_eq!(world.receiver.places(), [0u64; 0], "it is taken still");
    world.pass(20);
    world.deliver().await;
    assert_eq!(world.receiver.places(), [2, 3]);
}
