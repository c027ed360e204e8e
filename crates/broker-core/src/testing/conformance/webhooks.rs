//! Webhooks: each event once in its order, by one deliverer at a time, and nothing noted for another.

use std::slice;
use std::sync::Arc;

use broker_crypto::{Sealed, WebhookSecret};

use super::World;
use super::samples::{HOUR, NOW, SECOND, SMALL, key, key_of, record, tenant_id};
use crate::ports::{
    ChangeOutcome, ClaimedWebhook, CreateOutcome, DeliveryClaim, DeliveryNote, EventFilter, FailingDelivery,
    Redelivery, RequestMark, WebhookChange, WebhookFilter, WebhookKey, WebhookSecretChange,
};
use crate::{
    DeliveryClaimId, DeliveryFailure, EventType, LastDeliveryFailure, RequestId, RowVersion, Timestamp,
    Webhook, WebhookId, WebhookProgress, WebhookStanding, WebhookState,
};

const FAILURE: DeliveryFailure = DeliveryFailure::Status(503);

pub(super) fn secret(bytes: &[u8]) -> Sealed<WebhookSecret> {
    Sealed::from_bytes(bytes.to_vec())
}

pub(super) fn change_of(key: &WebhookKey) -> WebhookChange {
    WebhookChange {
        key: key.clone(),
        url: None,
        types: None,
        description: None,
        state: None,
        expected: None,
        at: NOW + HOUR,
    }
}

pub(super) fn secret_change(key: &WebhookKey, replaces: u32) -> WebhookSecretChange {
    WebhookSecretChange {
        key: key.clone(),
        replaces,
        secret: secret(b"another secret"),
        old_until: NOW + HOUR,
        at: NOW + SECOND,
    }
}

impl World {
    pub(super) fn new_webhook(&self, tenant: &str) -> Webhook {
        Webhook {
            id: WebhookId::generate(NOW, self.entropy()),
            tenant: tenant_id(tenant),
            url: "https://hooks.example/".to_owned(),
            types: vec![],
            description: "for people".to_owned(),
            state: WebhookState::Enabled,
            created_at: NOW,
            updated_at: NOW,
            version: RowVersion::first(NOW),
        }
    }

    pub(super) async fn keep_hook(&self, webhook: &Webhook, request: Option<&RequestMark>) -> CreateOutcome {
        self.sequence_all().await;
        self.webhooks.create_webhook(webhook, &secret(b"sealed"), request, &record()).await.unwrap()
    }

    /// A webhook of that tenant, for everything.
    pub(super) async fn hook(&self, tenant: &str) -> WebhookKey {
        let webhook = self.new_webhook(tenant);
        assert_eq!(self.keep_hook(&webhook, None).await, CreateOutcome::Created);
        WebhookKey { tenant: webhook.tenant, id: webhook.id }
    }

    async fn sequence_all(&self) {
        self.events.sequence_events(1000).await.unwrap();
    }

    /// A grant is created, and told of. Answers the place of that.
    async fn happens(&self, tenant: &str, user: &str) -> u64 {
        self.grant(&key_of(tenant, user)).await;
        self.sequence_all().await;
        self.events.newest_event().await.unwrap()
    }

    async fn standing(&self, key: &WebhookKey) -> WebhookStanding {
        self.webhooks.webhook(key).await.unwrap().unwrap()
    }

    async fn progress(&self, key: &WebhookKey) -> WebhookProgress {
        self.standing(key).await.progress
    }

    pub(super) async fn due_hooks(&self, at: Timestamp) -> Vec<WebhookKey> {
        self.webhooks.due_webhooks(at, 10).await.unwrap()
    }

    fn delivery_claim(&self, key: &WebhookKey, at: Timestamp) -> DeliveryClaim {
        let claim = DeliveryClaimId::generate(at, self.entropy());
        DeliveryClaim { key: key.clone(), claim, at, hold_until: at + HOUR }
    }

    async fn take_hook(&self, key: &WebhookKey, at: Timestamp) -> Option<(DeliveryClaimId, ClaimedWebhook)> {
        let claim = self.delivery_claim(key, at);
        let claimed = self.webhooks.claim_webhook(&claim).await.unwrap();
        claimed.map(|claimed| (claim.claim, claimed))
    }

    async fn note_turn(&self, key: &WebhookKey, claim: DeliveryClaimId, note: DeliveryNote) -> bool {
        self.webhooks.note_delivery(key, claim, note, NOW + SECOND).await.unwrap()
    }

    async fn redeliver(&self, key: &WebhookKey, from: u64, to: Option<u64>) -> Option<u64> {
        let redelivery = Redelivery { key: key.clone(), from, to, at: NOW };
        self.webhooks.redeliver_webhook(&redelivery, &record()).await.unwrap()
    }

    async fn set_state(&self, key: &WebhookKey, state: WebhookState) {
        let change = WebhookChange { state: Some(state), ..change_of(key) };
        let changed = self.webhooks.update_webhook(&change, &record()).await.unwrap();
        assert_eq!(changed, ChangeOutcome::Changed);
    }
}

pub async fn a_webhook_is_kept_and_begins_with_what_happens_next(world: World) {
    let before = world.happens("acme", "ada").await;
    let webhook = Webhook { types: vec![EventType::GrantCreated], ..world.new_webhook("acme") };
    assert_eq!(world.keep_hook(&webhook, None).await, CreateOutcome::Created);
    let key = WebhookKey { tenant: webhook.tenant.clone(), id: webhook.id };
    let progress = WebhookProgress {
        delivered_through: before,
        pending: 0,
        last_success_at: None,
        last_failure: None,
        old_secret_until: None,
    };
    assert_eq!(world.standing(&key).await, WebhookStanding { webhook, progress });
    assert_eq!(world.due_hooks(NOW).await, []);
    world.happens("acme", "bob").await;
    assert_eq!(world.due_hooks(NOW).await, slice::from_ref(&key));
    assert_eq!(world.progress(&key).await.pending, 1);
    let secrets = world.webhooks.webhook_secrets(&key).await.unwrap().unwrap();
    assert_eq!((secrets.number, secrets.current.as_bytes()), (1, b"sealed".as_slice()));
    assert!(secrets.old.is_none());
}

pub async fn a_repeated_request_makes_one_webhook(world: World) {
    let mark = RequestMark::new(RequestId::from_bytes([7; 16]), "CreateWebhook", &["a"], NOW);
    let first = world.new_webhook("acme");
    assert_eq!(world.keep_hook(&first, Some(&mark)).await, CreateOutcome::Created);
    let again = world.keep_hook(&world.new_webhook("acme"), Some(&mark)).await;
    assert_eq!(again, CreateOutcome::Repeated(first.id.to_string()));
    let other = RequestMark::new(RequestId::from_bytes([7; 16]), "CreateWebhook", &["b"], NOW);
    assert_eq!(world.keep_hook(&world.new_webhook("acme"), Some(&other)).await, CreateOutcome::IdReused);
    let filter = WebhookFilter { tenant: tenant_id("acme"), after: None, limit: 10 };
    assert_eq!(world.webhooks.list_webhooks(&filter).await.unwrap().len(), 1);
}

pub async fn webhooks_are_listed_oldest_first_and_counted(world: World) {
    world.add_tenant(SMALL).await;
    let mut keys = [world.hook(SMALL).await, world.hook(SMALL).await];
    keys.sort_by_key(|key| key.id);
    assert!(matches!(world.keep_hook(&world.new_webhook(SMALL), None).await, CreateOutcome::OverQuota(_)));
    let list = async |after, limit| {
        let filter = WebhookFilter { tenant: tenant_id(SMALL), after, limit };
        let listed = world.webhooks.list_webhooks(&filter).await.unwrap();
        listed.into_iter().map(|standing| standing.webhook.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 10).await, [keys[0].id, keys[1].id]);
    assert_eq!(list(None, 1).await, [keys[0].id]);
    assert_eq!(list(Some(keys[0].id), 10).await, [keys[1].id]);
}

pub async fn only_what_is_for_a_webhook_makes_it_due(world: World) {
    world.add_tenant("globex").await;
    let all = world.hook("acme").await;
    let expiries = Webhook { types: vec![EventType::GrantExpired], ..world.new_webhook("acme") };
    assert_eq!(world.keep_hook(&expiries, None).await, CreateOutcome::Created);
    world.happens("globex", "ada").await;
    assert_eq!(world.due_hooks(NOW).await, []);
    world.happens("acme", "ada").await;
    assert_eq!(world.due_hooks(NOW).await, slice::from_ref(&all));
    assert_eq!(world.due_hooks(NOW - SECOND).await, [], "not before it was created");
    world.set_state(&all, WebhookState::Disabled).await;
    assert_eq!(world.due_hooks(NOW + HOUR).await, []);
}

pub async fn what_waits_for_a_webhook_is_as_old_as_its_first_event(world: World) {
    let undelivered = async || world.webhooks.undelivered_since().await.unwrap();
    assert_eq!(undelivered().await, None);
    let expiries = Webhook { types: vec![EventType::GrantExpired], ..world.new_webhook("acme") };
    assert_eq!(world.keep_hook(&expiries, None).await, CreateOutcome::Created);
    let key = world.hook("acme").await;
    let sequence = world.happens("acme", "ada").await;
    assert_eq!(undelivered().await, Some(NOW));
    let (claim, _) = world.take_hook(&key, NOW).await.unwrap();
    assert!(world.note_turn(&key, claim, DeliveryNote::Accepted { sequence, hold_until: NOW + HOUR }).await);
    assert_eq!(undelivered().await, None);
    world.happens("acme", "bob").await;
    world.set_state(&key, WebhookState::Disabled).await;
    assert_eq!(undelivered().await, None, "it is to have no more");
}

pub async fn of_many_deliverers_one_delivers(world: World) {
    let key = world.hook("acme").await;
    world.happens("acme", "ada").await;
    let world = Arc::new(world);
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (world, claim) = (world.clone(), world.delivery_claim(&key, NOW));
        claims.spawn(async move { world.webhooks.claim_webhook(&claim).await.unwrap().is_some() });
    }
    assert_eq!(claims.join_all().await.into_iter().filter(|taken| *taken).count(), 1);
    assert_eq!(world.due_hooks(NOW + HOUR - SECOND).await, []);
    assert_eq!(world.due_hooks(NOW + HOUR).await, [key], "the deliverer is dead");
}

pub async fn what_is_accepted_is_not_due_again(world: World) {
    let key = world.hook("acme").await;
    let (first, second) = (world.happens("acme", "ada").await, world.happens("acme", "bob").await);
    let (claim, claimed) = world.take_hook(&key, NOW).await.unwrap();
    assert_eq!((claimed.after, claimed.through, claimed.failing), (first - 1, None, None));
    let accepted = |sequence| DeliveryNote::Accepted { sequence, hold_until: NOW + HOUR + HOUR };
    assert!(world.note_turn(&key, claim, accepted(first)).await);
    let progress = world.progress(&key).await;
    assert_eq!((progress.delivered_through, progress.pending), (first, 1));
    assert_eq!(progress.last_success_at, Some(NOW + SECOND));
    assert_eq!(world.due_hooks(NOW + HOUR).await, [], "it is held for longer now");
    assert!(world.note_turn(&key, claim, accepted(second)).await);
    assert!(world.note_turn(&key, claim, DeliveryNote::Done { through: second }).await);
    assert!(!world.note_turn(&key, claim, accepted(second)).await, "the turn is over");
    assert_eq!(world.due_hooks(NOW + HOUR).await, []);
    world.happens("acme", "eve").await;
    assert_eq!(world.due_hooks(NOW + SECOND).await, [key]);
}

pub async fn a_late_deliverer_notes_nothing(world: World) {
    let key = world.hook("acme").await;
    let place = world.happens("acme", "ada").await;
    let (late, _) = world.take_hook(&key, NOW).await.unwrap();
    let (claim, _) = world.take_hook(&key, NOW + HOUR).await.unwrap();
    let accepted = DeliveryNote::Accepted { sequence: place, hold_until: NOW };
    assert!(!world.note_turn(&key, late, accepted).await);
    assert!(!world.note_turn(&key, late, DeliveryNote::Paused { until: NOW }).await);
    assert!(!world.webhooks.fail_webhook(&key, late, FAILURE, &record()).await.unwrap());
    assert_eq!(world.progress(&key).await.pending, 1);
    assert!(world.note_turn(&key, claim, accepted).await);
}

pub async fn failures_are_counted_until_one_is_accepted(world: World) {
    let key = world.hook("acme").await;
    let place = world.happens("acme", "ada").await;
    let mut at = NOW;
    for failures in [0, 1, 2] {
        let (claim, claimed) = world.take_hook(&key, at).await.unwrap();
        let failing = (failures > 0).then_some(FailingDelivery { failures, since: NOW + SECOND });
        assert_eq!(claimed.failing, failing);
        let retry_at = at + HOUR;
        assert!(world.note_turn(&key, claim, DeliveryNote::Failed { failure: FAILURE, retry_at }).await);
        assert_eq!(world.due_hooks(retry_at - SECOND).await, []);
        at = retry_at;
    }
    let failure = LastDeliveryFailure { at: NOW + SECOND, failure: FAILURE };
    assert_eq!(world.progress(&key).await.last_failure, Some(failure));
    let (claim, _) = world.take_hook(&key, at).await.unwrap();
    assert!(world.note_turn(&key, claim, DeliveryNote::Accepted { sequence: place, hold_until: at }).await);
    assert!(world.note_turn(&key, claim, DeliveryNote::Paused { until: at }).await);
    let (_, claimed) = world.take_hook(&key, at + SECOND).await.unwrap();
    assert_eq!(claimed.failing, None);
}

pub async fn a_webhook_that_failed_is_switched_off_and_told_of(world: World) {
    let key = world.hook("acme").await;
    let place = world.happens("acme", "ada").await;
    let (claim, claimed) = world.take_hook(&key, NOW).await.unwrap();
    let timeout = DeliveryFailure::Timeout;
    assert!(world.webhooks.fail_webhook(&key, claim, timeout, &record()).await.unwrap());
    let standing = world.standing(&key).await;
    assert_eq!(standing.webhook.state, WebhookState::Failed);
    assert!(standing.webhook.version > claimed.webhook.version);
    assert_eq!(standing.progress.last_failure.unwrap().failure, timeout);
    assert_eq!((standing.progress.delivered_through, standing.progress.pending), (place - 1, 0));
    assert!(!world.webhooks.fail_webhook(&key, claim, timeout, &record()).await.unwrap(), "once");
    world.sequence_all().await;
    let filter = EventFilter { tenant: Some(key.tenant.clone()), types: vec![EventType::WebhookDisabled] };
    let told = world.events.events_after(&filter, 0, 10).await.unwrap().events;
    assert_eq!(told.len(), 1);
    assert_eq!((told[0].webhook, told[0].tenant.as_ref()), (Some(key.id), Some(&key.tenant)));
    assert_eq!(world.due_hooks(NOW + HOUR).await, []);
}

pub async fn a_webhook_that_is_enabled_again_begins_with_what_happens_next(world: World) {
    let key = world.hook("acme").await;
    world.happens("acme", "ada").await;
    world.set_state(&key, WebhookState::Disabled).await;
    let missed = world.happens("acme", "bob").await;
    world.set_state(&key, WebhookState::Enabled).await;
    assert_eq!(world.progress(&key).await.delivered_through, missed);
    assert_eq!(world.due_hooks(NOW + HOUR).await, []);
    world.happens("acme", "eve").await;
    world.set_state(&key, WebhookState::Enabled).await;
    assert_eq!(world.progress(&key).await.delivered_through, missed, "it was enabled all the time");
}

pub async fn a_change_of_a_webhook_takes_it_from_whoever_delivers(world: World) {
    let key = world.hook("acme").await;
    let place = world.happens("acme", "ada").await;
    let (claim, claimed) = world.take_hook(&key, NOW).await.unwrap();
    let version = claimed.webhook.version;
    let change = WebhookChange {
        url: Some("https://other.example/".to_owned()),
        types: Some(vec![EventType::GrantCreated, EventType::GrantRevoked]),
        description: Some("another".to_owned()),
        expected: Some(version.next()),
        ..change_of(&key)
    };
    let update =
        async |change: &WebhookChange| world.webhooks.update_webhook(change, &record()).await.unwrap();
    assert_eq!(update(&change).await, ChangeOutcome::Stale);
    let change = WebhookChange { expected: Some(version), ..change };
    assert_eq!(update(&change).await, ChangeOutcome::Changed);
    let changed = world.standing(&key).await.webhook;
    assert_eq!(changed.url, "https://other.example/");
    assert_eq!(changed.types, [EventType::GrantCreated, EventType::GrantRevoked]);
    assert_eq!((changed.description.as_str(), changed.version), ("another", version.next()));
    assert_eq!((changed.created_at, changed.updated_at), (NOW, NOW + HOUR));
    let accepted = DeliveryNote::Accepted { sequence: place, hold_until: NOW };
    assert!(!world.note_turn(&key, claim, accepted).await);
    assert_eq!(world.due_hooks(NOW + HOUR).await, slice::from_ref(&key));
    let delete = async |expected| world.webhooks.delete_webhook(&key, expected, &record()).await.unwrap();
    assert_eq!(delete(Some(version)).await, ChangeOutcome::Stale);
    assert_eq!(delete(None).await, ChangeOutcome::Changed);
    assert_eq!(delete(None).await, ChangeOutcome::Absent);
    assert_eq!(update(&change).await, ChangeOutcome::Absent);
    assert!(world.webhooks.webhook(&key).await.unwrap().is_none());
}

pub async fn the_old_secret_of_a_webhook_stays_for_a_while(world: World) {
    let key = world.hook("acme").await;
    let replace = async |replaces| {
        let change = secret_change(&key, replaces);
        world.webhooks.replace_webhook_secret(&change, &record()).await.unwrap()
    };
    assert_eq!(replace(2).await, ChangeOutcome::Stale);
    assert_eq!(replace(1).await, ChangeOutcome::Changed);
    assert_eq!(replace(1).await, ChangeOutcome::Stale, "of two that replace the same secret one is first");
    let secrets = world.webhooks.webhook_secrets(&key).await.unwrap().unwrap();
    assert_eq!((secrets.number, secrets.current.as_bytes()), (2, b"another secret".as_slice()));
    let (old, until) = secrets.old.unwrap();
    assert_eq!((old.as_bytes(), until), (b"sealed".as_slice(), NOW + HOUR));
    assert_eq!(world.progress(&key).await.old_secret_until, Some(NOW + HOUR));
    world.happens("acme", "ada").await;
    let (_, claimed) = world.take_hook(&key, NOW).await.unwrap();
    assert_eq!((claimed.secrets.number, claimed.secrets.old.is_some()), (2, true));
}

pub async fn events_are_sent_again_before_any_others(world: World) {
    let key = world.hook("acme").await;
    let first = world.happens("acme", "ada").await;
    let (claim, _) = world.take_hook(&key, NOW).await.unwrap();
    assert!(world.note_turn(&key, claim, DeliveryNote::Done { through: first }).await);
    let second = world.happens("acme", "bob").await;
    let third = world.happens("acme", "eve").await;
    assert_eq!(world.redeliver(&key, first, Some(second)).await, Some(1), "the second is still to be sent");
    assert_eq!(world.progress(&key).await.pending, 3);
    let (claim, claimed) = world.take_hook(&key, NOW + SECOND).await.unwrap();
    assert_eq!((claimed.after, claimed.through), (first - 1, Some(first)));
    let accepted = DeliveryNote::Accepted { sequence: first, hold_until: NOW + HOUR };
    assert!(world.note_turn(&key, claim, accepted).await);
    assert!(world.note_turn(&key, claim, DeliveryNote::Done { through: first }).await);
    let (_, claimed) = world.take_hook(&key, NOW + SECOND).await.unwrap();
    assert_eq!((claimed.after, claimed.through), (first, None), "and comes in its turn");
    assert_eq!(world.redeliver(&key, third, None).await, Some(0), "so does the third");
    assert_eq!(world.redeliver(&key, first, Some(first)).await, Some(1));
    let (_, claimed) = world.take_hook(&key, NOW + SECOND).await.unwrap();
    assert_eq!((claimed.after, claimed.through), (first - 1, Some(first)));
    let nobody = WebhookKey { tenant: tenant_id("acme"), id: WebhookId::from_bytes([9; 16]) };
    assert_eq!(world.redeliver(&nobody, first, None).await, None);
}

pub async fn what_a_webhook_missed_is_sent_once_it_is_enabled(world: World) {
    let key = world.hook("acme").await;
    let first = world.happens("acme", "ada").await;
    world.set_state(&key, WebhookState::Disabled).await;
    let second = world.happens("acme", "bob").await;
    assert_eq!(world.redeliver(&key, second, None).await, Some(1));
    assert_eq!(world.redeliver(&key, second + 1, None).await, Some(0));
    assert_eq!(world.redeliver(&key, first, Some(first)).await, Some(1), "and what was asked for before");
    assert_eq!(world.due_hooks(NOW + HOUR).await, []);
    world.set_state(&key, WebhookState::Enabled).await;
    let (claim, claimed) = world.take_hook(&key, NOW + HOUR).await.unwrap();
    assert_eq!((claimed.after, claimed.through), (first - 1, Some(second)));
    assert!(world.note_turn(&key, claim, DeliveryNote::Done { through: second }).await);
    assert_eq!(world.progress(&key).await.delivered_through, second);
}

/// Its place lags behind where nothing was to be sent.
pub async fn a_webhook_for_more_types_begins_with_what_happens_next(world: World) {
    let rare = Webhook { types: vec![EventType::GrantRefreshed], ..world.new_webhook("acme") };
    assert_eq!(world.keep_hook(&rare, None).await, CreateOutcome::Created);
    let of = WebhookKey { tenant: rare.tenant.clone(), id: rare.id };
    let widen = async |types| {
        let change = WebhookChange { types: Some(types), ..change_of(&of) };
        world.webhooks.update_webhook(&change, &record()).await.unwrap()
    };
    let before = world.happens("acme", "ada").await;
    assert_eq!(widen(vec![]).await, ChangeOutcome::Changed);
    let progress = world.progress(&of).await;
    assert_eq!((progress.delivered_through, progress.pending), (before, 0));
    let waiting = world.happens("acme", "bob").await;
    assert_eq!(widen(vec![EventType::GrantCreated]).await, ChangeOutcome::Changed);
    let progress = world.progress(&of).await;
    assert_eq!((progress.delivered_through, progress.pending), (waiting - 1, 1), "what waits is not dropped");
}

pub async fn webhooks_of_other_tenants_are_out_of_sight(world: World) {
    world.add_tenant("globex").await;
    let ours = world.hook("acme").await;
    let place = world.happens("acme", "ada").await;
    let theirs = WebhookKey { tenant: tenant_id("globex"), ..ours.clone() };
    assert!(world.webhooks.webhook(&theirs).await.unwrap().is_none());
    assert!(world.webhooks.webhook_secrets(&theirs).await.unwrap().is_none());
    let changed = world.webhooks.update_webhook(&change_of(&theirs), &record()).await.unwrap();
    assert_eq!(changed, ChangeOutcome::Absent);
    assert_eq!(world.webhooks.delete_webhook(&theirs, None, &record()).await.unwrap(), ChangeOutcome::Absent);
    let replaced =
        world.webhooks.replace_webhook_secret(&secret_change(&theirs, 1), &record()).await.unwrap();
    assert_eq!(replaced, ChangeOutcome::Absent);
    assert_eq!(world.redeliver(&theirs, place, None).await, None);
    assert!(world.take_hook(&theirs, NOW).await.is_none());
    let filter = WebhookFilter { tenant: tenant_id("globex"), after: None, limit: 10 };
    assert!(world.webhooks.list_webhooks(&filter).await.unwrap().is_empty());
    let (claim, _) = world.take_hook(&ours, NOW).await.unwrap();
    assert!(!world.note_turn(&theirs, claim, DeliveryNote::Done { through: place }).await);
    assert!(!world.webhooks.fail_webhook(&theirs, claim, FAILURE, &record()).await.unwrap());
    assert_eq!(world.progress(&ours).await.pending, 1);
}

pub async fn a_deleted_tenant_has_no_webhooks(world: World) {
    let ours = world.hook("acme").await;
    world.begin_deletion().await;
    assert!(world.webhooks.webhook(&ours).await.unwrap().is_none());
    let late = world.new_webhook("acme");
    let kept = world.webhooks.create_webhook(&late, &secret(b"sealed"), None, &record()).await;
    assert!(kept.is_err(), "{kept:?}");
}

pub async fn a_webhook_far_behind_the_log_is_moved_on(world: World) {
    let rare = Webhook { types: vec![EventType::KeyRotated], ..world.new_webhook("acme") };
    assert_eq!(world.keep_hook(&rare, None).await, CreateOutcome::Created);
    let mut generation = 1;
    world.grant(&key("ada")).await;
    while generation < 1000 {
        world.refresh(&key("ada"), generation).await;
        generation += 1;
    }
    world.sequence_all().await;
    assert_eq!(world.due_hooks(NOW).await, []);
    world.refresh(&key("ada"), generation).await;
    world.sequence_all().await;
    assert_eq!(world.due_hooks(NOW).await.len(), 1);
}
