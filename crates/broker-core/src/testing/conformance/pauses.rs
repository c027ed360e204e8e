//! A registration that its provider refuses is paused, and resumed by a canary.

use super::World;
use super::samples::{HOUR, NOW, after, key, key_at, key_of, provider_named, record, registration};
use super::steps::granted;
use crate::ports::{AttemptEnd, ClaimOutcome, ClaimedRefresh, RefreshClaim};
use crate::{Attempt, GrantKey, Phase, Timestamp};

impl World {
    /// Ends a refresh as the provider's refusal of its registration.
    pub(super) async fn refuse_client(&self, attempt: &Attempt, until: Timestamp) {
        let end = AttemptEnd {
            pause_registration_until: Some(until),
            ..self.end_of(attempt, Some(after(Phase::Idle, false)))
        };
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }

    /// A world with two grants of one registration, which is paused until [`HOUR`] from now.
    async fn with_a_pause(&self) {
        self.grant(&key("ada")).await;
        self.grant(&key("bob")).await;
        let refused = self.claim(&key("ada"), 1).await.attempt;
        self.refuse_client(&refused, NOW + HOUR).await;
    }

    /// Claims at a later time, as a canary until two hours from now.
    async fn claim_at(&self, key: &GrantKey, at: Timestamp) -> ClaimOutcome {
        let claim = RefreshClaim { at, canary_until: NOW + 2 * HOUR, ..self.claim_of(key, 1) };
        self.grants.claim_refresh(&claim).await.unwrap()
    }

    pub(super) async fn canary(&self, key: &GrantKey) -> ClaimedRefresh {
        granted(self.claim_at(key, NOW + HOUR).await)
    }
}

fn paused_until(outcome: &ClaimOutcome) -> Timestamp {
    match outcome {
        ClaimOutcome::RegistrationPaused(until) => *until,
        other => panic!("not paused: {other:?}"),
    }
}

pub async fn no_grant_of_a_paused_registration_is_claimed(world: World) {
    world.with_a_pause().await;
    for user in ["ada", "bob"] {
        let before = world.read(&key(user)).await;
        assert_eq!(paused_until(&world.try_claim(&key(user), 1).await), NOW + HOUR);
        assert_eq!(world.read(&key(user)).await, before);
    }
}

pub async fn other_registrations_are_not_paused(world: World) {
    world.with_a_pause().await;
    world.tenants.create_registration(&registration("acme", "second", NOW), None, &record()).await.unwrap();
    world.register_at("acme", &provider_named("eagle-eye")).await;
    world.add_tenant("globex").await;
    world.grant_with(&key("cy"), crate::RegistrationId::new("second").unwrap()).await;
    let (elsewhere, of_globex) = (key_at("acme", "eagle-eye", "ada"), key_of("globex", "ada"));
    world.grant(&elsewhere).await;
    world.grant(&of_globex).await;
    for free in [key("cy"), elsewhere, of_globex] {
        world.claim(&free, 1).await;
    }
}

pub async fn one_claim_is_the_canary(world: World) {
    world.with_a_pause().await;
    world.canary(&key("bob")).await;
    assert_eq!(paused_until(&world.claim_at(&key("ada"), NOW + HOUR).await), NOW + 2 * HOUR);
    granted(world.claim_at(&key("ada"), NOW + 2 * HOUR).await);
}

pub async fn a_canary_that_is_refused_renews_the_pause(world: World) {
    world.with_a_pause().await;
    let canary = world.canary(&key("bob")).await.attempt;
    world.refuse_client(&canary, NOW + 5 * HOUR).await;
    assert_eq!(paused_until(&world.claim_at(&key("ada"), NOW + 4 * HOUR).await), NOW + 5 * HOUR);
}

pub async fn a_canary_that_is_answered_ends_the_pause(world: World) {
    world.with_a_pause().await;
    let canary = world.canary(&key("bob")).await.attempt;
    world.adopt_refresh(&canary).await;
    world.claim(&key("ada"), 1).await;
}

pub async fn a_consent_ends_the_pause(world: World) {
    world.with_a_pause().await;
    world.grant(&key("cy")).await;
    world.claim(&key("ada"), 1).await;
}

pub async fn a_claim_that_is_refused_otherwise_is_no_canary(world: World) {
    world.grant(&key("cy")).await;
    world.claim(&key("cy"), 1).await;
    world.with_a_pause().await;
    let busy = world.claim_at(&key("cy"), NOW + HOUR).await;
    assert!(matches!(busy, ClaimOutcome::Busy(_)), "{busy:?}");
    world.canary(&key("bob")).await;
}

pub async fn an_attempt_that_was_closed_before_pauses_nothing(world: World) {
    world.grant(&key("ada")).await;
    let closed = world.lose(&key("ada"), 1).await;
    let end = AttemptEnd { pause_registration_until: Some(NOW + HOUR), ..world.end_of(&closed, None) };
    assert!(!world.grants.close_attempt(&end).await.unwrap());
    world.claim(&key("ada"), 1).await;
}
