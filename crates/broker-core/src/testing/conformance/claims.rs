//! Claiming a refresh.

use std::sync::Arc;

use crate::ports::{ClaimOutcome, DueQuery, Epoch, GrantAfter, Lineage, RefreshClaim, SentBefore};
use crate::{AttemptPhase, ConsentCause, Generation, Lifecycle, Phase};

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key};
use super::steps::granted;

pub async fn a_claim_hands_out_the_refresh_token_and_the_grant_before_it(world: World) {
    let before = world.grant(&key("ada")).await;
    let claimed = world.claim(&key("ada"), 1).await;
    assert_eq!(claimed.before, before);
    assert_eq!(claimed.access_token.as_bytes(), b"access 1");
    assert_eq!(claimed.refresh_token.as_bytes(), b"refresh 1");
    assert_eq!(claimed.refresh_token_generation, Generation::new(1));
    assert_eq!(claimed.attempt.lineage, before.lineage);
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Claimed);
    assert_eq!((claimed.asked_at, claimed.sent_before), (None, None));
    assert_eq!((claimed.attempt.phase, claimed.attempt.sent_at), (AttemptPhase::Claimed, None));
    assert_eq!(world.kept(&claimed.attempt).await, claimed.attempt);
}

pub async fn of_many_claims_one_is_granted(world: World) {
    world.grant(&key("ada")).await;
    let world = Arc::new(world);
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let world = world.clone();
        claims.spawn(async move { world.try_claim(&key("ada"), 1).await });
    }
    let outcomes = claims.join_all().await;
    assert_eq!(outcomes.iter().filter(|o| matches!(o, ClaimOutcome::Claimed(_))).count(), 1);
    assert_eq!(outcomes.iter().filter(|o| matches!(o, ClaimOutcome::Busy(_))).count(), 15);
}

pub async fn a_claim_moves_the_grant_out_of_the_due_range(world: World) {
    world.grant(&key("ada")).await;
    let due = async |due_by| {
        let query = DueQuery { due_by, limit: 10, per_lane: None };
        world.grants.due_grants(&query).await.unwrap().len()
    };
    assert_eq!(due(NOW + HOUR / 2).await, 1);
    world.claim(&key("ada"), 1).await;
    assert_eq!(due(NOW + HOUR / 2).await, 0);
    assert_eq!(due(NOW + HOUR).await, 1);
}

pub async fn a_claim_of_an_old_generation_learns_the_newer_one(world: World) {
    world.grant(&key("ada")).await;
    let first = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&first).await;
    let outcome = world.try_claim(&key("ada"), 1).await;
    assert!(matches!(outcome, ClaimOutcome::Newer(generation) if generation.get() == 2), "{outcome:?}");
    world
        .grants
        .claim_refresh(&world.claim_of(&key("ada"), 3))
        .await
        .expect_err("the store went back in time");
}

pub async fn only_an_active_grant_with_a_refresh_token_is_claimed(world: World) {
    assert!(matches!(world.try_claim(&key("nobody"), 1).await, ClaimOutcome::Absent));

    let (attempt, authorization) = world.exchange(&key("no-refresh-token")).await;
    world.adopt(&attempt, Lineage::New { authorization, consented_at: NOW }, 0, false).await;
    assert!(!world.read(&key("no-refresh-token")).await.refreshable);
    assert!(matches!(world.try_claim(&key("no-refresh-token"), 1).await, ClaimOutcome::NotRefreshable));

    world.grant(&key("ada")).await;
    for lifecycle in [Lifecycle::NeedsConsent(ConsentCause::Revoked), Lifecycle::ConsentExpired] {
        let grant = world.grant_with_lifecycle(&key("ada"), lifecycle).await;
        assert_eq!(grant.lifecycle, lifecycle);
        let outcome = world.try_claim(&key("ada"), grant.generation.get()).await;
        assert!(matches!(outcome, ClaimOutcome::NotRefreshable), "{outcome:?}");
        world.reconsent(&key("ada")).await;
    }
}

pub async fn presentations_are_numbered_within_a_generation(world: World) {
    world.grant(&key("ada")).await;
    for number in 1..=3 {
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        assert_eq!(attempt.presentation_no, number);
        assert!(world.close(&attempt, Some(after(Phase::Idle, false))).await);
    }
    let fourth = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&fourth).await;
    assert_eq!(world.claim(&key("ada"), 2).await.attempt.presentation_no, 1);
}

pub async fn an_undecided_grant_is_not_claimed_before_its_time(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let undecided = GrantAfter { due_at: Some(NOW + HOUR), ..after(Phase::Uncertain, true) };
    world.close(&attempt, Some(undecided)).await;
    let outcome = world.try_claim(&key("ada"), 1).await;
    assert!(matches!(outcome, ClaimOutcome::Undecided(until) if until == NOW + HOUR), "{outcome:?}");
    let in_time = RefreshClaim { at: NOW + HOUR, ..world.claim_of(&key("ada"), 1) };
    granted(world.grants.claim_refresh(&in_time).await.unwrap());
}

pub async fn a_claim_of_another_epoch_is_refused_and_changes_nothing(world: World) {
    let before = world.grant(&key("ada")).await;
    for epoch in [Epoch(world.epoch.0 - 1), Epoch(world.epoch.0 + 1)] {
        let claim = RefreshClaim { epoch, ..world.claim_of(&key("ada"), 1) };
        let outcome = world.grants.claim_refresh(&claim).await.unwrap();
        assert!(matches!(outcome, ClaimOutcome::OtherEpoch), "{outcome:?}");
        assert_eq!(world.grants.attempt(&key("ada").tenant, claim.attempt).await.unwrap(), None);
    }
    assert_eq!(world.read(&key("ada")).await, before);
    world.claim(&key("ada"), 1).await;
}

pub async fn a_claim_learns_when_its_token_was_sent_before(world: World) {
    world.grant(&key("ada")).await;
    for (number, before) in [(0, None), (1, Some((0, 0))), (2, Some((0, 1)))] {
        let claimed = world.claim(&key("ada"), 1).await;
        let seconds = |n: u32| NOW + SECOND * n;
        let expected = before.map(|(first, last)| SentBefore { first: seconds(first), last: seconds(last) });
        assert_eq!(claimed.sent_before, expected);
        world.send_at(&claimed.attempt, seconds(number)).await;
        world.close(&claimed.attempt, Some(after(Phase::Uncertain, true))).await;
    }
    let last = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&last).await;
    assert_eq!(world.claim(&key("ada"), 2).await.sent_before, None, "that is another token");
}

pub async fn claims_of_many_grants_at_once_are_judged_one_by_one(world: World) {
    let world = Arc::new(world);
    let users: Vec<String> = (0..24).map(|number| format!("user-{number}")).collect();
    for user in &users {
        world.grant(&key(user)).await;
    }
    world.claim(&key("user-3"), 1).await;
    world.grant_with_lifecycle(&key("user-5"), Lifecycle::ConsentExpired).await;
    let mut claims = tokio::task::JoinSet::new();
    for user in users.iter().cloned().chain(["nobody".to_owned()]) {
        let world = world.clone();
        claims.spawn(async move { (world.try_claim(&key(&user), 1).await, user) });
    }
    for (outcome, user) in claims.join_all().await {
        let expected = match (user.as_str(), &outcome) {
            ("user-3", ClaimOutcome::Busy(open)) => open.key == key("user-3"),
            ("user-5", ClaimOutcome::NotRefreshable) | ("nobody", ClaimOutcome::Absent) => true,
            ("user-3" | "user-5" | "nobody", _) => false,
            (_, ClaimOutcome::Claimed(claimed)) => {
                claimed.attempt.key == key(&user) && claimed.before.key == key(&user)
            }
            _ => false,
        };
        assert!(expected, "{user}: {outcome:?}");
    }
}

pub async fn a_claim_that_cannot_be_written_fails_alone(world: World) {
    let world = Arc::new(world);
    world.grant(&key("ada")).await;
    let taken = world.claim(&key("ada"), 1).await.attempt.id;
    let mut claims = tokio::task::JoinSet::new();
    for number in 0..12 {
        let user = format!("user-{number}");
        world.grant(&key(&user)).await;
        let mut claim = world.claim_of(&key(&user), 1);
        if number == 4 {
            claim.attempt = taken;
        }
        let world = world.clone();
        claims.spawn(async move { (number, world.grants.claim_refresh(&claim).await) });
    }
    for (number, outcome) in claims.join_all().await {
        let fits =
            if number == 4 { outcome.is_err() } else { matches!(outcome, Ok(ClaimOutcome::Claimed(_))) };
        assert!(fits, "{number}: {outcome:?}");
    }
    world.claim(&key("user-4"), 1).await;
}
