//! Claiming a refresh, and SENT.

use std::sync::Arc;

use broker_core::ports::{ClaimOutcome, GrantStore, Lineage};
use broker_core::{AttemptPhase, ConsentCause, Generation, Lifecycle, Phase};

use crate::world::{HOUR, NOW, World, after, key};

crate::on_every_store!(
    a_claim_hands_out_the_refresh_token_and_the_grant_before_it,
    of_many_claims_one_is_granted,
    a_claim_moves_the_grant_out_of_the_due_range,
    a_claim_of_an_old_generation_learns_the_newer_one,
    only_an_active_grant_with_a_refresh_token_is_claimed,
    presentations_are_numbered_within_a_generation,
    sent_is_marked_once_and_only_on_an_open_attempt,
    a_claimed_refresh_token_with_a_successor_is_never_sent,
);

async fn a_claim_hands_out_the_refresh_token_and_the_grant_before_it(world: World) {
    let before = world.grant(&key("ada")).await;
    let claimed = world.claim(&key("ada"), 1).await;
    assert_eq!(claimed.before, before);
    assert_eq!(claimed.access_token.as_bytes(), b"access 1");
    assert_eq!(claimed.refresh_token.as_bytes(), b"refresh 1");
    assert_eq!(claimed.refresh_token_generation, Generation::new(1));
    assert_eq!(claimed.attempt.lineage, before.lineage);
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Claimed);
    let kept = world.store.attempt(&key("ada").tenant, claimed.attempt.id).await.unwrap();
    assert_eq!(kept, Some(claimed.attempt));
}

async fn of_many_claims_one_is_granted(world: World) {
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

async fn a_claim_moves_the_grant_out_of_the_due_range(world: World) {
    world.grant(&key("ada")).await;
    let due = |now| {
        let store = world.store.clone();
        async move { store.due_grants(now, 10).await.unwrap() }
    };
    assert_eq!(due(NOW + HOUR / 2).await.len(), 1);
    world.claim(&key("ada"), 1).await;
    assert_eq!(due(NOW + HOUR / 2).await, []);
    assert_eq!(due(NOW + HOUR).await.len(), 1);
}

async fn a_claim_of_an_old_generation_learns_the_newer_one(world: World) {
    world.grant(&key("ada")).await;
    let first = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&first).await;
    let outcome = world.try_claim(&key("ada"), 1).await;
    assert!(matches!(outcome, ClaimOutcome::Newer(generation) if generation.get() == 2), "{outcome:?}");
    world
        .store
        .claim_refresh(&world.claim_of(&key("ada"), 3))
        .await
        .expect_err("the store went back in time");
}

async fn only_an_active_grant_with_a_refresh_token_is_claimed(world: World) {
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

async fn presentations_are_numbered_within_a_generation(world: World) {
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

async fn sent_is_marked_once_and_only_on_an_open_attempt(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&attempt).await);
    assert!(!world.send(&attempt).await, "sent twice");
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Sent);
    let kept = world.store.attempt(&key("ada").tenant, attempt.id).await.unwrap().unwrap();
    assert_eq!(kept.phase, AttemptPhase::Sent);

    world.close(&attempt, Some(after(Phase::Idle, false))).await;
    let closed = world.claim(&key("ada"), 1).await.attempt;
    world.close(&closed, Some(after(Phase::Idle, false))).await;
    assert!(!world.send(&closed).await, "sent after it was closed");
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Idle);

    let (exchange, _) = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange).await);
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Idle, "an exchange leaves the grant alone");
}

async fn a_claimed_refresh_token_with_a_successor_is_never_sent(world: World) {
    world.grant(&key("ada")).await;
    let late = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&late).await);
    world.close(&late, Some(after(Phase::Uncertain, true))).await;
    let probe = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&late).await;
    assert!(!world.send(&probe).await, "its token was replaced meanwhile");
    assert!(!world.close(&probe, Some(after(Phase::Idle, false))).await, "it was closed by the adoption");

    let old_lineage = world.claim(&key("ada"), 2).await.attempt;
    world.reconsent(&key("ada")).await;
    assert!(!world.send(&old_lineage).await, "its lineage was replaced meanwhile");
    world.claim(&key("ada"), 3).await;
}
