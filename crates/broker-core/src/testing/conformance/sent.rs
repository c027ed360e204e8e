//! SENT: durable before the first byte is written, and the limit of a grace.

use std::time::Duration;

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key};
use crate::ports::{AttemptEnd, SentMark, SentOutcome};
use crate::{Attempt, AttemptPhase, Phase, Timestamp};

const GRACE: Duration = Duration::from_secs(28);

async fn send_within_grace(world: &World, attempt: &Attempt, at: Timestamp) -> SentOutcome {
    let mark = SentMark { attempt: attempt.clone(), at, replay_within: Some(GRACE) };
    world.grants.mark_sent(&mark).await.unwrap()
}

pub async fn sent_is_marked_once_and_only_on_an_open_attempt(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&attempt).await);
    assert!(!world.send(&attempt).await, "sent twice");
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Sent);
    let kept = world.kept(&attempt).await;
    assert_eq!((kept.phase, kept.sent_at), (AttemptPhase::Sent, Some(NOW)));

    world.close(&attempt, Some(after(Phase::Idle, false))).await;
    let closed = world.claim(&key("ada"), 1).await.attempt;
    world.close(&closed, Some(after(Phase::Idle, false))).await;
    assert!(!world.send(&closed).await, "sent after it was closed");
    assert_eq!(world.kept(&closed).await.sent_at, None);
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Idle);

    let (exchange, _) = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange).await);
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Idle, "an exchange leaves the grant alone");
}

pub async fn a_claimed_refresh_token_with_a_successor_is_never_sent(world: World) {
    world.grant(&key("ada")).await;
    let late = world.lose(&key("ada"), 1).await;
    let probe = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&late).await;
    assert!(!world.send(&probe).await, "its token was replaced meanwhile");
    assert!(!world.close(&probe, Some(after(Phase::Idle, false))).await, "it was closed by the adoption");

    let old_lineage = world.claim(&key("ada"), 2).await.attempt;
    world.reconsent(&key("ada")).await;
    assert!(!world.send(&old_lineage).await, "its lineage was replaced meanwhile");
    world.claim(&key("ada"), 3).await;
}

pub async fn the_grace_counts_from_the_first_time_the_token_was_sent(world: World) {
    world.grant(&key("ada")).await;
    for seconds in [0, 20, 28] {
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        let outcome = send_within_grace(&world, &attempt, NOW + SECOND * seconds).await;
        assert_eq!(outcome, SentOutcome::Marked, "after {seconds} s");
        world.close(&attempt, Some(after(Phase::Uncertain, true))).await;
    }
    let late = world.claim(&key("ada"), 1).await.attempt;
    let over = NOW + GRACE + SECOND;
    assert_eq!(send_within_grace(&world, &late, over).await, SentOutcome::GraceOver);
    assert_eq!(world.kept(&late).await, late, "nothing is marked");
    assert_eq!(world.read(&key("ada")).await.phase, Phase::Claimed);
    assert_eq!(world.send_at(&late, over).await, SentOutcome::Marked, "without a limit it may be sent");
}

pub async fn what_was_provably_unsent_does_not_begin_the_grace(world: World) {
    world.grant(&key("ada")).await;
    let unsent = world.claim(&key("ada"), 1).await.attempt;
    send_within_grace(&world, &unsent, NOW).await;
    let end = AttemptEnd::unsent(&unsent, Some(after(Phase::Idle, false)), NOW);
    world.grants.close_attempt(&end).await.unwrap();
    let first = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(send_within_grace(&world, &first, NOW + HOUR).await, SentOutcome::Marked);
}

pub async fn every_refresh_token_has_a_grace_of_its_own(world: World) {
    world.grant(&key("ada")).await;
    let first = world.claim(&key("ada"), 1).await.attempt;
    send_within_grace(&world, &first, NOW).await;
    world.adopt_refresh(&first).await;
    let next = world.claim(&key("ada"), 2).await.attempt;
    assert_eq!(send_within_grace(&world, &next, NOW + HOUR).await, SentOutcome::Marked);
    world.reconsent(&key("ada")).await;
    let of_new_lineage = world.claim(&key("ada"), 3).await.attempt;
    assert_eq!(send_within_grace(&world, &of_new_lineage, NOW + 2 * HOUR).await, SentOutcome::Marked);
}

pub async fn a_grace_that_is_over_does_not_hide_that_an_attempt_was_overtaken(world: World) {
    world.grant(&key("ada")).await;
    let lost = world.lose(&key("ada"), 1).await;
    assert_eq!(send_within_grace(&world, &lost, NOW + HOUR).await, SentOutcome::Overtaken);
    let probe = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&lost).await;
    assert_eq!(send_within_grace(&world, &probe, NOW + HOUR).await, SentOutcome::Overtaken);
}
