//! Closing attempts without tokens.

use broker_core::ports::{ClaimOutcome, ConsentStore, GrantAfter, GrantStore};
use broker_core::{AuthorizationStatus, ConsentCause, FailureKind, LastFailure, Lifecycle, Phase};

use crate::world::{HOUR, NOW, World, after, key};

crate::on_every_store!(
    an_attempt_is_closed_once_and_frees_the_grant,
    what_is_left_behind_is_kept,
    the_taint_is_sticky,
    a_failure_stays_until_another_comes_or_tokens_do,
    a_failed_exchange_marks_its_authorization_and_leaves_the_grant_alone,
    a_start_finds_the_open_attempts_of_other_runs,
);

async fn an_attempt_is_closed_once_and_frees_the_grant(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert!(matches!(world.try_claim(&key("ada"), 1).await, ClaimOutcome::Busy(_)));
    assert!(world.close(&attempt, Some(after(Phase::Idle, false))).await);
    let left = world.read(&key("ada")).await;
    assert!(!world.close(&attempt, Some(after(Phase::Suspect, true))).await);
    assert_eq!(world.read(&key("ada")).await, left);
    world.claim(&key("ada"), 1).await;
}

async fn what_is_left_behind_is_kept(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let failure = LastFailure {
        kind: FailureKind::DeadToken,
        at: NOW + HOUR,
        oauth_error: Some("invalid_grant".to_owned()),
        http_status: Some(400),
        in_a_row: 2,
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
    assert_eq!(world.store.due_grants(NOW + 9 * HOUR, 10).await.unwrap(), []);
}

async fn the_taint_is_sticky(world: World) {
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

async fn a_failure_stays_until_another_comes_or_tokens_do(world: World) {
    world.grant(&key("ada")).await;
    let failure = |kind| LastFailure { kind, at: NOW, oauth_error: None, http_status: None, in_a_row: 1 };
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

async fn a_failed_exchange_marks_its_authorization_and_leaves_the_grant_alone(world: World) {
    let before = world.grant(&key("ada")).await;
    let (attempt, authorization) = world.exchange(&key("ada")).await;
    assert!(world.close(&attempt, None).await);
    let status = world.store.authorization(&key("ada").tenant, authorization).await.unwrap().unwrap().status;
    assert_eq!(status, AuthorizationStatus::Failed("test_failure".to_owned()));
    assert_eq!(world.read(&key("ada")).await, before);

    world.adopt_new(&(attempt, authorization), 1).await;
    let status = world.store.authorization(&key("ada").tenant, authorization).await.unwrap().unwrap().status;
    assert_eq!(status, AuthorizationStatus::Completed, "its answer came after all");
}

async fn a_start_finds_the_open_attempts_of_other_runs(world: World) {
    world.grant(&key("ada")).await;
    let (exchange, _) = world.exchange(&key("bob")).await;
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    let closed = world.exchange(&key("cy")).await.0;
    world.close(&closed, None).await;
    assert_eq!(world.store.orphaned_attempts(world.owner).await.unwrap(), [], "its own run's");
    let next_run = broker_core::IncarnationId::from_bytes([9; 16]);
    let mut orphans = world.store.orphaned_attempts(next_run).await.unwrap();
    orphans.sort_by_key(|attempt| attempt.key.user.clone());
    assert_eq!(orphans, [refresh, exchange]);
}
