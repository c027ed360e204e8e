//! The secrets of a registration: their numbers, their order, and what becomes of refused and accepted ones.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key, record, registered_secret, registration_key};
use super::steps::granted;
use crate::ports::{
    AttemptEnd, ClaimOutcome, NewSecret, RefreshClaim, RetireOutcome, SecretOutcome, SecretRetirement,
};
use crate::{AuthorizationStatus, ClientRegistration, Phase, RowVersion, SecretId, Timestamp};

fn id(number: u32) -> SecretId {
    SecretId::new(number).unwrap()
}

fn new_secret(registration: &str, number: u32) -> NewSecret {
    NewSecret {
        key: registration_key(registration),
        secret: registered_secret(number, NOW + HOUR),
        prefer: false,
        most: 3,
        request: None,
    }
}

impl World {
    /// Adds the next secret to a registration of the usual tenant and provider.
    pub(super) async fn add_secret(&self, registration: &str, prefer: bool) -> SecretId {
        let next = self.registered(registration).await.unwrap().next_secret_id().unwrap();
        let new = NewSecret { prefer, ..new_secret(registration, next.get()) };
        assert_eq!(self.tenants.add_secret(&new, &record()).await.unwrap(), SecretOutcome::Added);
        next
    }

    async fn retire(&self, number: u32, expected: Option<RowVersion>) -> RetireOutcome {
        let secret = id(number);
        let at = NOW + 2 * HOUR;
        let retirement = SecretRetirement { key: registration_key("main"), secret, expected, at };
        self.tenants.retire_secret(&retirement, &record()).await.unwrap()
    }

    /// Refreshes a user's grant in vain: the provider refuses this secret.
    pub(super) async fn refuse(
        &self,
        user: &str,
        number: u32,
        at: Timestamp,
        pause_until: Option<Timestamp>,
    ) {
        let attempt = self.claim(&key(user), 1).await.attempt;
        let end = AttemptEnd {
            refused_secret: Some(id(number)),
            pause_registration_until: pause_until,
            at,
            ..self.end_of(&attempt, Some(after(Phase::Idle, false)))
        };
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }

    pub(super) async fn accept(&self, number: u32, at: Timestamp) {
        self.tenants.note_secret_accepted(&registration_key("main"), id(number), at).await.unwrap();
    }

    async fn main(&self) -> ClientRegistration {
        self.registered("main").await.unwrap()
    }

    async fn order(&self) -> Vec<u32> {
        self.main().await.secrets.iter().map(|secret| secret.id.get()).collect()
    }
}

pub async fn a_secret_is_added_after_the_others_or_before_them(world: World) {
    let before = world.main().await;
    world.add_secret("main", false).await;
    assert_eq!(world.order().await, [1, 2]);
    world.add_secret("main", true).await;
    assert_eq!(world.order().await, [3, 1, 2]);
    let now = world.main().await;
    assert_eq!((now.secrets_made, now.updated_at), (3, NOW + HOUR));
    assert_eq!(now.version, before.version.next().next());
    assert_eq!(now.secrets[0].sealed.as_bytes(), b"sealed secret 3");
    assert_eq!(now.secrets[0].created_at, NOW + HOUR);
}

pub async fn a_secret_needs_its_registration_its_number_and_room(world: World) {
    let add = async |new: NewSecret| world.tenants.add_secret(&new, &record()).await.unwrap();
    assert_eq!(add(new_secret("none", 1)).await, SecretOutcome::Absent);
    assert_eq!(add(new_secret("main", 1)).await, SecretOutcome::NumberTaken);
    assert_eq!(add(new_secret("main", 3)).await, SecretOutcome::NumberTaken);
    assert_eq!(add(new_secret("main", 2)).await, SecretOutcome::Added);
    assert_eq!(add(NewSecret { most: 2, ..new_secret("main", 3) }).await, SecretOutcome::Full);
    assert_eq!(world.order().await, [1, 2]);
}

pub async fn a_number_is_given_once(world: World) {
    world.add_secret("main", false).await;
    assert_eq!(world.retire(2, None).await, RetireOutcome::Retired);
    assert_eq!(world.add_secret("main", false).await, id(3));
    assert_eq!(world.order().await, [1, 3]);
}

pub async fn the_last_secret_is_not_retired(world: World) {
    assert_eq!(world.retire(1, None).await, RetireOutcome::Last);
    world.add_secret("main", false).await;
    let version = world.main().await.version;
    assert_eq!(world.retire(1, Some(version.next())).await, RetireOutcome::Stale);
    assert_eq!(world.retire(7, Some(version)).await, RetireOutcome::NoSuchSecret);
    assert_eq!(world.retire(1, Some(version)).await, RetireOutcome::Retired);
    let now = world.main().await;
    assert_eq!((now.version, now.updated_at), (version.next(), NOW + 2 * HOUR));
    assert_eq!(world.order().await, [2]);
    let elsewhere =
        SecretRetirement { key: registration_key("none"), secret: id(1), expected: None, at: NOW };
    assert_eq!(world.tenants.retire_secret(&elsewhere, &record()).await.unwrap(), RetireOutcome::Absent);
}

pub async fn a_refused_secret_steps_back_until_it_is_accepted(world: World) {
    world.grant(&key("ada")).await;
    world.add_secret("main", false).await;
    world.add_secret("main", false).await;
    world.refuse("ada", 1, NOW, None).await;
    assert_eq!(world.order().await, [2, 3, 1]);
    world.refuse("ada", 2, NOW + SECOND, None).await;
    assert_eq!(world.order().await, [3, 1, 2], "the longest ago comes first");
    world.accept(2, NOW + 2 * SECOND).await;
    assert_eq!(world.order().await, [2, 3, 1]);
    let accepted = &world.main().await.secrets[0];
    assert_eq!((accepted.last_accepted_at, accepted.refused_at), (Some(NOW + 2 * SECOND), None));
    assert!(!world.main().await.rejected, "nothing rests");
}

pub async fn an_acceptance_is_noted_once_it_is_the_latest(world: World) {
    world.grant(&key("ada")).await;
    world.accept(1, NOW + 9 * SECOND).await;
    world.accept(1, NOW + 5 * SECOND).await;
    assert_eq!(world.main().await.secrets[0].last_accepted_at, Some(NOW + 9 * SECOND));
    world.refuse("ada", 1, NOW + 10 * SECOND, None).await;
    world.accept(1, NOW + 9 * SECOND).await;
    let refused = &world.main().await.secrets[0];
    assert_eq!(refused.refused_at, Some(NOW + 10 * SECOND), "what was said before is no answer");
    world.accept(7, NOW).await;
}

pub async fn a_registration_whose_secrets_are_all_refused_rests(world: World) {
    world.grant(&key("ada")).await;
    world.refuse("ada", 1, NOW, Some(NOW + HOUR)).await;
    assert!(world.main().await.rejected);
    let paused = world.try_claim(&key("ada"), 1).await;
    assert!(matches!(paused, ClaimOutcome::RegistrationPaused(_)), "{paused:?}");
}

pub async fn a_canary_that_leaves_another_secret_to_try_lets_the_next_claim_pass(world: World) {
    world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    world.add_secret("main", false).await;
    world.refuse("ada", 1, NOW, Some(NOW + HOUR)).await;
    let at = NOW + HOUR;
    let claim = RefreshClaim { at, canary_until: NOW + 2 * HOUR, ..world.claim_of(&key("bob"), 1) };
    let canary = granted(world.grants.claim_refresh(&claim).await.unwrap()).attempt;
    let end = AttemptEnd {
        refused_secret: Some(id(1)),
        at,
        ..world.end_of(&canary, Some(after(Phase::Idle, false)))
    };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    let next = RefreshClaim { attempt: world.attempt_id(), ..claim.clone() };
    granted(world.grants.claim_refresh(&next).await.unwrap());
    let third = RefreshClaim { at, ..world.claim_of(&key("ada"), 1) };
    let paused = world.grants.claim_refresh(&third).await.unwrap();
    assert!(matches!(paused, ClaimOutcome::RegistrationPaused(_)), "one claim passed: {paused:?}");
}

pub async fn other_secrets_let_the_canary_pass_at_once(world: World) {
    world.grant(&key("ada")).await;
    world.refuse("ada", 1, NOW, Some(NOW + 9 * HOUR)).await;
    world.add_secret("main", true).await;
    let claim_at = async |at| {
        let claim = RefreshClaim { at, canary_until: NOW + 9 * HOUR, ..world.claim_of(&key("ada"), 1) };
        world.grants.claim_refresh(&claim).await.unwrap()
    };
    let early = claim_at(NOW).await;
    assert!(matches!(early, ClaimOutcome::RegistrationPaused(_)), "{early:?}");
    let canary = granted(claim_at(NOW + HOUR).await).attempt;
    assert!(world.main().await.rejected, "until an answer says otherwise");
    assert!(world.close(&canary, Some(after(Phase::Idle, false))).await);
    assert_eq!(world.retire(1, None).await, RetireOutcome::Retired);
    granted(claim_at(NOW + 2 * HOUR).await);
}

pub async fn an_authorization_is_reopened_for_the_next_secret(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    let claim = world.exchange_of(&authorization);
    let attempt = world.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
    let end = AttemptEnd {
        refused_secret: Some(id(1)),
        reopens_authorization: true,
        authorization_failure: None,
        ..world.end_of(&attempt, None)
    };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::Pending);
    let claim = world.exchange_of(&authorization);
    let next = world.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
    assert_eq!((next.presentation_no, next.lineage), (attempt.presentation_no + 1, attempt.lineage));
    assert!(!world.grants.close_attempt(&end).await.unwrap(), "closed once");
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::Exchanging);
}
