//! What is due.

use super::World;
use super::samples::{HOUR, NOW, after, key, key_at, key_of, provider_named, registration_id};
use crate::ports::{DueGrant, DueQuery, GrantAfter, RefreshClaim};
use crate::{ConsentCause, Generation, GrantKey, Lifecycle, Phase};

/// Due at half past, when every grant here is.
const HALF_PAST: DueQuery =
    DueQuery { due_by: crate::Timestamp::from_unix_seconds(1_700_000_000 + 1800), limit: 10, per_lane: None };

impl World {
    /// A grant that is due so many minutes from now.
    async fn due_in(&self, key: &GrantKey, minutes: u32) {
        self.grant(key).await;
        let attempt = self.claim(key, 1).await.attempt;
        let after = GrantAfter { due_at: Some(NOW + HOUR * minutes / 60), ..after(Phase::Idle, false) };
        assert!(self.close(&attempt, Some(after)).await);
    }

    async fn due(&self, query: DueQuery) -> Vec<String> {
        let due = self.grants.due_grants(&query).await.unwrap();
        due.into_iter().map(|due| format!("{}/{}", due.key.tenant, due.key.user)).collect()
    }
}

pub async fn what_is_due_comes_earliest_first(world: World) {
    for (user, minutes) in [("ada", 30), ("bob", 10), ("cy", 20), ("dan", 40)] {
        world.due_in(&key(user), minutes).await;
    }
    assert_eq!(world.due(HALF_PAST).await, ["acme/bob", "acme/cy", "acme/ada"]);
    assert_eq!(world.due(DueQuery { limit: 2, ..HALF_PAST }).await, ["acme/bob", "acme/cy"]);
    assert_eq!(world.due(DueQuery { limit: 0, ..HALF_PAST }).await, [""; 0]);
}

pub async fn a_due_grant_tells_what_its_turn_depends_on(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let end = crate::schedule::GrantEnd {
        dies_at: Some(NOW + 9 * HOUR),
        authorization_ends_at: None,
        refresh_token_timeout: Some(9 * HOUR),
    };
    let tokens = crate::SealedTokenSet { end, ..super::tokens(2, true) };
    let adoption = crate::ports::Adoption {
        attempt,
        lineage: crate::ports::Lineage::Present,
        base: Generation::new(1),
        tokens,
        at: NOW,
        replaced: crate::ports::ReplacedTokens::LetGo,
        overruns_window: false,
        origin: Default::default(),
    };
    world.grants.adopt(&adoption).await.unwrap();
    world.grants.note_asked(&[(key("ada"), NOW)]).await.unwrap();
    let expected = DueGrant {
        key: key("ada"),
        generation: Generation::new(2),
        due_at: NOW + HOUR / 2,
        undecided: false,
        registration: registration_id(),
        expires_at: NOW + HOUR,
        dies_at: Some(NOW + 9 * HOUR),
        refresh_token_timeout: Some(9 * HOUR),
        asked_at: Some(NOW),
    };
    for per_lane in [None, Some(1)] {
        let query = DueQuery { per_lane, ..HALF_PAST };
        assert_eq!(world.grants.due_grants(&query).await.unwrap(), std::slice::from_ref(&expected));
    }
    world.lose(&key("ada"), 2).await;
    assert!(world.grants.due_grants(&HALF_PAST).await.unwrap()[0].undecided);
}

pub async fn only_active_grants_are_due(world: World) {
    for (user, lifecycle) in [
        ("ada", Lifecycle::Active),
        ("bob", Lifecycle::ConsentExpired),
        ("cy", Lifecycle::NeedsConsent(ConsentCause::Revoked)),
    ] {
        world.grant(&key(user)).await;
        let attempt = world.claim(&key(user), 1).await.attempt;
        world.close(&attempt, Some(GrantAfter { lifecycle, ..after(Phase::Idle, false) })).await;
    }
    for per_lane in [None, Some(5)] {
        assert_eq!(world.due(DueQuery { per_lane, ..HALF_PAST }).await, ["acme/ada"]);
    }
}

pub async fn every_lane_gets_its_share(world: World) {
    let eagle_eye = provider_named("eagle-eye");
    for tenant in ["globex", "initech"] {
        world.add_tenant(tenant).await;
    }
    world.register_at("acme", &eagle_eye).await;
    for (user, minutes) in [("a1", 1), ("a2", 2), ("a3", 3), ("a4", 4)] {
        world.due_in(&key(user), minutes).await;
    }
    world.due_in(&key_at("acme", "eagle-eye", "e1"), 5).await;
    world.due_in(&key_at("acme", "eagle-eye", "e2"), 6).await;
    world.due_in(&key_of("globex", "g1"), 7).await;
    world.due_in(&key_of("initech", "i1"), 40).await;

    let share = |per_lane, limit| DueQuery { per_lane: Some(per_lane), limit, ..HALF_PAST };
    assert_eq!(world.due(share(1, 10)).await, ["acme/a1", "acme/e1", "globex/g1"]);
    assert_eq!(world.due(share(2, 10)).await, ["acme/a1", "acme/a2", "acme/e1", "acme/e2", "globex/g1"]);
    assert_eq!(world.due(share(2, 3)).await, ["acme/a1", "acme/a2", "acme/e1"]);
    assert_eq!(world.due(share(9, 10)).await, world.due(HALF_PAST).await);
}

pub async fn a_claim_leaves_the_lane_too(world: World) {
    world.grant(&key("ada")).await;
    let query = DueQuery { per_lane: Some(1), ..HALF_PAST };
    assert_eq!(world.due(query).await, ["acme/ada"]);
    let claim = RefreshClaim { hold_until: NOW + HOUR, ..world.claim_of(&key("ada"), 1) };
    world.grants.claim_refresh(&claim).await.unwrap();
    assert_eq!(world.due(query).await, [""; 0]);
}

pub async fn a_grant_is_postponed_only_if_nothing_has_moved_it(world: World) {
    let grant = world.grant(&key("ada")).await;
    let at = grant.due_at.unwrap();
    let due = world.grants.due_grants(&HALF_PAST).await.unwrap().remove(0);
    assert_eq!((due.due_at, due.undecided), (at, false));
    let elsewhere = DueGrant { key: key_of("globex", "ada"), ..due.clone() };
    let other_generation = DueGrant { generation: Generation::new(2), ..due.clone() };
    for stranger in [elsewhere, other_generation] {
        world.grants.postpone(&stranger, at + HOUR).await.unwrap();
        assert_eq!(world.read(&grant.key).await.due_at, Some(at));
    }
    world.grants.postpone(&due, at + HOUR).await.unwrap();
    assert_eq!(world.read(&grant.key).await.due_at, Some(at + HOUR));
    world.grants.postpone(&due, at + 2 * HOUR).await.unwrap();
    assert_eq!(world.read(&grant.key).await.due_at, Some(at + HOUR), "somebody has moved it since");
}
