//! Polls of device authorizations: one at a time, never too soon, and nothing left of those that brought nothing.

use std::sync::Arc;
use std::time::Duration;

use broker_crypto::Sealed;

use crate::ports::{AfterPoll, AttemptEnd, ClaimedPoll, PollClaim, PollEnd, StartOutcome};
use crate::{AuthorizationId, AuthorizationStatus, DeviceAuthorization, GrantKey, Polling, Timestamp};

use super::World;
use super::samples::{NOW, SECOND, key, record, registration_id};

const INTERVAL: Duration = Duration::from_secs(5);
const HOLD: Duration = Duration::from_secs(60);

fn device() -> DeviceAuthorization {
    DeviceAuthorization {
        code: Sealed::from_bytes(b"device code".to_vec()),
        polling: Polling::first(INTERVAL, NOW),
    }
}

impl World {
    pub(super) async fn device_authorization(&self, key: &GrantKey) -> AuthorizationId {
        let authorization = self.request(key, registration_id());
        let started = self.consents.start_device_authorization(&authorization, &device(), &record()).await;
        assert_eq!(started.unwrap(), StartOutcome::Started);
        authorization.id
    }

    fn poll_of(&self, id: AuthorizationId, at: Timestamp) -> PollClaim {
        PollClaim {
            tenant: key("ada").tenant,
            authorization: id,
            attempt: self.attempt_id(),
            owner: self.owner,
            at,
            hold_until: at + HOLD,
        }
    }

    async fn poll(&self, id: AuthorizationId, at: Timestamp) -> Option<ClaimedPoll> {
        self.consents.claim_poll(&self.poll_of(id, at)).await.unwrap()
    }

    async fn end_poll(&self, claimed: &ClaimedPoll, after: AfterPoll, at: Timestamp) -> bool {
        let failed = after == AfterPoll::Failed;
        let end = AttemptEnd {
            conclusion: "refused",
            authorization_failure: failed.then_some("refused"),
            reopens_authorization: !failed,
            ..AttemptEnd::without_grant(&claimed.attempt, at)
        };
        self.consents.end_poll(&PollEnd { end, after, record: record() }).await.unwrap()
    }

    async fn due_to_poll(&self, at: Timestamp) -> Vec<AuthorizationId> {
        let due = self.consents.due_polls(at, 10).await.unwrap();
        due.into_iter().map(|poll| poll.authorization).collect()
    }
}

pub async fn a_device_authorization_is_due_after_its_interval(world: World) {
    let id = world.device_authorization(&key("ada")).await;
    assert_eq!(world.due_to_poll(NOW + SECOND * 4).await, []);
    assert!(world.poll(id, NOW + SECOND * 4).await.is_none());
    assert_eq!(world.due_to_poll(NOW + INTERVAL).await, [id]);
    let due = world.consents.due_polls(NOW + INTERVAL, 10).await.unwrap().remove(0);
    assert_eq!((due.key, due.registration), (key("ada"), registration_id()));
    let kept = world.consents.device_authorization(&key("ada").tenant, id).await.unwrap().unwrap();
    assert_eq!((kept.code.as_bytes(), kept.polling), (&b"device code"[..], device().polling));
}

pub async fn polls_that_must_wait_hide_no_others(world: World) {
    let (ada, bob) =
        (world.device_authorization(&key("ada")).await, world.device_authorization(&key("bob")).await);
    let (now, until) = (NOW + INTERVAL, NOW + HOLD);
    let mut due = world.consents.due_polls(now, 10).await.unwrap();
    due.retain(|poll| poll.authorization == ada);
    assert!(due[0].expires_at > now);
    world.consents.put_off_polls(&due, now, until).await.unwrap();
    assert_eq!(world.due_to_poll(now).await, [bob]);
    assert!(world.poll(ada, until - SECOND).await.is_none());
    world.consents.put_off_polls(&due, now, now + SECOND).await.unwrap();
    assert_eq!(world.due_to_poll(until - SECOND).await, [bob], "it was not due");
    assert_eq!(world.due_to_poll(until).await.len(), 2);
}

pub async fn of_many_pollers_one_polls(world: World) {
    let id = world.device_authorization(&key("ada")).await;
    let world = Arc::new(world);
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (world, claim) = (world.clone(), world.poll_of(id, NOW + INTERVAL));
        claims.spawn(async move { world.consents.claim_poll(&claim).await.unwrap() });
    }
    assert_eq!(claims.join_all().await.into_iter().flatten().count(), 1);
    assert_eq!(world.status_of(id).await, AuthorizationStatus::Exchanging);
    assert_eq!(world.due_to_poll(NOW + HOLD).await, []);
}

pub async fn waiting_leaves_nothing_behind(world: World) {
    let id = world.device_authorization(&key("ada")).await;
    let mut at = NOW + INTERVAL;
    for _ in 0..3 {
        let claimed = world.poll(id, at).await.unwrap();
        let polling = claimed.device.polling.slowed_down(at);
        assert!(world.end_poll(&claimed, AfterPoll::Again { polling, keeps_attempt: false }, at).await);
        assert!(!world.end_poll(&claimed, AfterPoll::Denied, at).await, "it has ended");
        let tenant = &key("ada").tenant;
        assert_eq!(world.grants.attempt(tenant, claimed.attempt.id).await.unwrap(), None);
        let kept = world.consents.device_authorization(tenant, id).await.unwrap().unwrap();
        assert_eq!((kept.polling, world.status_of(id).await), (polling, AuthorizationStatus::Pending));
        assert!(world.poll(id, polling.next_at - SECOND).await.is_none());
        at = polling.next_at;
    }
    let claimed = world.poll(id, at).await.unwrap();
    let polling = claimed.device.polling.lost(at, HOLD);
    assert!(world.end_poll(&claimed, AfterPoll::Again { polling, keeps_attempt: true }, at).await);
    assert!(world.grants.attempt(&key("ada").tenant, claimed.attempt.id).await.unwrap().is_some());
}

pub async fn a_poll_that_ends_the_authorization_is_the_last(world: World) {
    for (user, after, status) in [
        ("ada", AfterPoll::Denied, AuthorizationStatus::Denied),
        ("bob", AfterPoll::Failed, AuthorizationStatus::Failed("refused".to_owned())),
        ("cyd", AfterPoll::Expired, AuthorizationStatus::Pending),
    ] {
        let id = world.device_authorization(&key(user)).await;
        let claimed = world.poll(id, NOW + INTERVAL).await.unwrap();
        assert!(world.end_poll(&claimed, after.clone(), NOW + INTERVAL).await);
        let tenant = &key(user).tenant;
        let kept = world.consents.authorization(tenant, id).await.unwrap().unwrap();
        assert_eq!(kept.status, status);
        assert_eq!(kept.expires_at == NOW + INTERVAL, after == AfterPoll::Expired);
        assert!(world.consents.device_authorization(tenant, id).await.unwrap().is_none());
        assert_eq!(world.due_to_poll(NOW + HOLD).await, []);
    }
}

pub async fn a_dead_pollers_poll_gives_way_and_is_not_forgotten(world: World) {
    let id = world.device_authorization(&key("ada")).await;
    let unsent = world.poll(id, NOW + INTERVAL).await.unwrap();
    let at = NOW + INTERVAL + HOLD;
    let sent = world.poll(id, at).await.unwrap();
    assert!(!sent.device.polling.answer_lost, "the first was not sent");
    assert!(!world.end_poll(&unsent, AfterPoll::Denied, at).await);
    let mark = crate::ports::SentMark { attempt: sent.attempt, at, replay_within: None };
    world.grants.mark_sent(&mark).await.unwrap();
    let third = world.poll(id, at + HOLD).await.unwrap();
    assert!(third.device.polling.answer_lost);
}

pub async fn what_is_late_after_a_lost_answer_has_an_unknown_outcome(world: World) {
    let id = world.device_authorization(&key("ada")).await;
    let claimed = world.poll(id, NOW + INTERVAL).await.unwrap();
    let expires_at = claimed.authorization.expires_at;
    let polling = claimed.device.polling.lost(NOW, HOLD).not_before(expires_at);
    assert!(
        world.end_poll(&claimed, AfterPoll::Again { polling, keeps_attempt: true }, NOW + INTERVAL).await
    );
    assert!(world.poll(id, expires_at).await.is_none());
    assert_eq!(world.status_of(id).await, AuthorizationStatus::Failed("uncertain".to_owned()));
    assert!(world.consents.device_authorization(&key("ada").tenant, id).await.unwrap().is_none());
}
