//! Reports of rejected tokens.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{
    Broker, BrokerError, Clock as _, FailureKind, Generation, Permit, ProviderProfile, RejectedToken,
    RejectedTokenOutcome, StaleReason, Vended,
};
use tokio::task::JoinSet;

use crate::fakes::{Answer, fail};
use crate::world::{World, key, profile, request};

fn report(generation: u64, http_status: u16) -> RejectedToken {
    let generation = Generation::new(generation);
    RejectedToken { key: key(), generation, http_status, wait: None, permit: Permit::unlimited() }
}

impl World {
    async fn reports(&self, generation: u64) -> Result<(Vended, RejectedTokenOutcome), BrokerError> {
        self.broker.vendor().report_rejected(&report(generation, 401)).await
    }

    /// The token to use, and the outcome.
    async fn told(&self, generation: u64) -> (String, RejectedTokenOutcome) {
        let (vended, outcome) = self.reports(generation).await.unwrap();
        (vended.access_token.expose().to_owned(), outcome)
    }
}

fn dying() -> ProviderProfile {
    ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() }
}

#[tokio::test]
async fn a_rejected_token_is_refreshed_and_its_next_report_finds_it_replaced() {
    let world = World::new().await;
    world.pass(30);
    let calls = world.provider.calls();
    assert_eq!(world.told(1).await, ("at-2".to_owned(), RejectedTokenOutcome::Refreshed));
    assert_eq!(world.told(1).await, ("at-2".to_owned(), RejectedTokenOutcome::AlreadyReplaced));
    assert_eq!(world.provider.calls(), calls + 1);
}

#[tokio::test]
async fn many_reports_of_one_generation_cause_one_call() {
    let world = World::new().await;
    world.pass(60);
    world.provider.next([Answer::RotateWhenReleased]);
    let calls = world.provider.calls();
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let vendor = world.broker.vendor();
        callers.spawn(async move { vendor.report_rejected(&report(1, 401)).await.unwrap() });
    }
    world.provider.reached().await;
    world.provider.release();
    for (vended, outcome) in callers.join_all().await {
        assert_eq!(vended.access_token.expose(), "at-2");
        assert!(matches!(outcome, RejectedTokenOutcome::Refreshed | RejectedTokenOutcome::AlreadyReplaced));
    }
    assert_eq!(world.provider.calls(), calls + 1);
}

/// The other has the lease, or the open attempt: what was begun here is over at once, and its report waits on.
#[tokio::test]
async fn reports_wait_for_the_refresh_of_another_replica_however_many_come() {
    let mut world = World::new().await;
    let other = world.broker.clone();
    world.join_beside(2).await;
    world.pass(60);
    world.provider.next([Answer::RotateWhenReleased]);
    let calls = world.provider.calls();
    let mut reports = JoinSet::new();
    let mut call = |broker: &Arc<Broker>| {
        let vendor = broker.vendor();
        reports.spawn(async move { vendor.report_rejected(&report(1, 401)).await.unwrap() });
    };
    call(&other);
    world.provider.reached().await;
    call(&world.broker);
    // Its refresh may begin and end between two looks. Were it not over yet, the next report would join it, which is well too.
    tokio::time::sleep(Duration::from_millis(50)).await;
    world.settled().await;
    call(&world.broker);
    tokio::task::yield_now().await;
    world.provider.release();
    while other.attempts_under_way() > 0 {
        tokio::task::yield_now().await;
    }
    // Who waits looks again after a moment; much time must not pass, for the next token expires too.
    let mut told = Vec::new();
    while told.len() < 3 {
        tokio::select! {
            biased;
            Some(answer) = reports.join_next() => told.push(answer.unwrap()),
            () = tokio::time::sleep(Duration::from_millis(5)) => world.pass(1),
        }
    }
    for (vended, outcome) in told {
        assert_eq!((vended.access_token.expose(), outcome), ("at-2", RejectedTokenOutcome::Refreshed));
    }
    assert_eq!(world.provider.calls(), calls + 1);
}

#[tokio::test]
async fn what_is_not_about_the_token_or_comes_too_soon_causes_no_call() {
    let world = World::new().await;
    let calls = world.provider.calls();
    world.pass(29);
    assert_eq!(world.told(1).await, ("at-1".to_owned(), RejectedTokenOutcome::TooSoon));
    world.pass(60);
    let forbidden = world.broker.vendor().report_rejected(&report(1, 403)).await.unwrap();
    assert_eq!(forbidden.1, RejectedTokenOutcome::NotATokenError);
    assert_eq!(world.provider.calls(), calls);
}

#[tokio::test]
async fn reports_of_tokens_that_are_rejected_again_and_again_back_off() {
    let world = World::new().await;
    world.pass(30);
    assert_eq!(world.told(1).await.1, RejectedTokenOutcome::Refreshed);
    world.pass(30);
    assert_eq!(world.told(2).await.1, RejectedTokenOutcome::Refreshed, "thirty seconds later");
    world.pass(59);
    assert_eq!(world.told(3).await.1, RejectedTokenOutcome::TooSoon);
    world.pass(1);
    assert_eq!(world.told(3).await.1, RejectedTokenOutcome::Refreshed, "a minute later");
}

#[tokio::test]
async fn a_refresh_that_fails_leaves_the_token_there_is() {
    let world = World::new().await;
    world.pass(60);
    world.provider.next([fail(FailureKind::Throttled)]);
    let (vended, outcome) = world.reports(1).await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", Some(StaleReason::RefreshFailed)));
    assert_eq!(outcome, RejectedTokenOutcome::RefreshFailed);
}

#[tokio::test]
async fn a_generation_that_does_not_exist_yet_is_refused() {
    let world = World::new().await;
    let refused = world.reports(2).await.unwrap_err();
    assert!(
        matches!(&refused, BrokerError::InvalidRequest(fields) if fields[0].field == "generation"),
        "{refused}"
    );
}

#[tokio::test]
async fn a_revoked_grant_has_nothing_to_use_instead() {
    let world = World::new().await;
    world.broker.revoke_grant(&key(), &broker_core::testing::conformance::actor()).await.unwrap();
    assert!(matches!(world.reports(1).await, Err(BrokerError::ConsentRequired(_))));
}

#[tokio::test]
async fn where_only_one_token_lives_a_rejected_one_is_not_served_while_a_refresh_can_run() {
    let world = World::with(dying()).await;
    world.pass(60);
    world.provider.next([fail(FailureKind::Unreachable)]);
    assert_eq!(world.told(1).await.1, RejectedTokenOutcome::RefreshFailed);
    assert_eq!(world.vend().await.unwrap().stale, Some(StaleReason::RefreshFailed), "it pauses");
    let due = world.grant().await.due_at.unwrap();
    world.clock.advance(due.since(world.clock.now()) + Duration::from_secs(1));
    let vended = world.broker.vend(&request()).await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-2", None));
}
