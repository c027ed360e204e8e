//! Closing attempts without tokens.

use crate::ports::{AttemptEnd, ClaimOutcome, DueQuery, GrantAfter};
use crate::{AttemptPhase, AuthorizationStatus, ConsentCause, FailureKind, LastFailure, Lifecycle, Phase};

use super::World;
use super::samples::{HOUR, NOW, after, key};

pub async fn an_attempt_is_closed_once_and_frees_the_grant(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(matches!(world.try_claim(&key("ada"), 1).await, ClaimOutcome::Busy(_)));
    assert!(world.close(&attempt, Some(after(Phase::Idle, false))).await);
    let left = world.read(&key("ada")).await;
    assert!(!world.close(&attempt, Some(after(Phase::Suspect, true))).await);
    assert_eq!(world.read(&key("ada")).await, left);
    world.claim(&key("ada"), 1).await;
}

pub async fn what_is_left_behind_is_kept(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let failure = LastFailure {
        kind: FailureKind::DeadToken,
        at: NOW + HOUR,
        oauth_error: Some("invalid_grant".to_owned()),
        http_status: Some(400),
        in_a_row: 2,
        since: NOW,
    };
    let after = GrantAfter {
        lifecycle: Lifecycle::NeedsConsent(ConsentCause::Revoked),
        phase: Phase::Suspect,
        tainted: true,
        due_at: None,
        failure: Some(failure.clone()),
    };
    world.close(&attempt, Some(after)).await;
    let grant = world.read(&key("ada")).await;
    assert_eq!(grant.lifecycle, Lifecycle::NeedsConsent(ConsentCause::Revoked));
    assert_eq!((grant.phase, grant.tainted, grant.due_at), (Phase::Suspect, true, None));
    assert_eq!(grant.last_failure, Some(failure));
    assert_eq!(grant.generation.get(), 1);
    let query = DueQuery { due_by: NOW + 9 * HOUR, limit: 10, per_lane: None };
    assert_eq!(world.grants.due_grants(&query).await.unwrap(), []);
}

pub async fn the_taint_is_sticky(world: World) {
    world.grant(&key("ada")).await;
    for tainted in [true, false] {
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        world.close(&attempt, Some(after(Phase::Idle, tainted))).await;
        assert!(world.read(&key("ada")).await.tainted);
    }
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&attempt).await;
    assert!(!world.read(&key("ada")).await.tainted);
}

pub async fn a_failure_stays_until_another_comes_or_tokens_do(world: World) {
    world.grant(&key("ada")).await;
    let failure =
        |kind| LastFailure { kind, at: NOW, oauth_error: None, http_status: None, in_a_row: 1, since: NOW };
    let steps = [
        (Some(FailureKind::Throttled), Some(FailureKind::Throttled)),
        (None, Some(FailureKind::Throttled)),
        (Some(FailureKind::Unreachable), Some(FailureKind::Unreachable)),
    ];
    for (given, kept) in steps {
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        let after = GrantAfter { failure: given.map(failure), ..after(Phase::Idle, false) };
        world.close(&attempt, Some(after)).await;
        assert_eq!(world.read(&key("ada")).await.last_failure.map(|f| f.kind), kept);
    }
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&attempt).await;
    assert_eq!(world.read(&key("ada")).await.last_failure, None);
}

pub async fn a_failed_exchange_marks_its_authorization_and_leaves_the_grant_alone(world: World) {
    let before = world.grant(&key("ada")).await;
    let (attempt, authorization) = world.exchange(&key("ada")).await;
    assert!(world.close(&attempt, None).await);
    assert_eq!(world.status_of(authorization).await, AuthorizationStatus::Failed("test_failure".to_owned()));
    assert_eq!(world.read(&key("ada")).await, before);

    world.adopt_new(&(attempt, authorization), 1).await;
    assert_eq!(
        world.status_of(authorization).await,
        AuthorizationStatus::Completed,
        "its answer came after all"
    );
}

pub async fn a_provably_unsent_attempt_is_taken_back(world: World) {
    let before = world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(world.send(&attempt).await);
    assert_eq!(world.kept(&attempt).await.sent_at, Some(NOW));
    let end = AttemptEnd::unsent(&attempt, Some(after(Phase::Idle, false)), NOW);
    assert!(world.grants.close_attempt(&end).await.unwrap());
    let kept = world.kept(&attempt).await;
    assert_eq!((kept.phase, kept.sent_at), (AttemptPhase::Closed, None));
    let left = world.read(&key("ada")).await;
    assert_eq!((left.phase, left.tainted, left.last_failure), (Phase::Idle, false, before.last_failure));
    assert_eq!(world.claim(&key("ada"), 1).await.sent_before, None);
}

pub async fn what_was_sent_and_closed_stays_sent(world: World) {
    world.grant(&key("ada")).await;
    let lost = world.lose(&key("ada"), 1).await;
    let again = AttemptEnd::unsent(&lost, Some(after(Phase::Idle, false)), NOW);
    assert!(!world.grants.close_attempt(&again).await.unwrap(), "it was closed before");
    assert_eq!(world.kept(&lost).await.sent_at, Some(NOW));
}
