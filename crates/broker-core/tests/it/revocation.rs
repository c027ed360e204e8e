//! Revoking: durable first, at the provider in its own time, and whatever comes late is revoked too.

use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::GrantFilter;
use broker_core::testing::conformance::actor;
use broker_core::{
    AuthorizationProblem, Broker, BrokerError, ConsentCause, FailureKind, Grant, Lifecycle, Phase,
    ProviderProfile, RevocationOutcome, RevocationReach, RevokedTokens, RotationMode,
};
use proptest::prelude::*;
use tokio_util::sync::CancellationToken;

use crate::fakes::{Answer, Unrevoked, fail};
use crate::world::{World, key, profile, request, tenant};

impl World {
    async fn revoke(&self) -> Grant {
        self.broker.revoke_grant(&key(), &actor()).await.unwrap()
    }

    /// Carries out what is due until nothing is.
    async fn carry_out(&self) {
        while self.broker.revoke_due().await.unwrap() > 0 {
            self.settled().await;
        }
    }

    /// Lets time pass and carries out what comes due, so many steps of so many seconds.
    async fn carry_out_for(&self, steps: u64, seconds: u64) {
        for _ in 0..steps {
            self.pass(seconds);
            self.carry_out().await;
        }
    }

    async fn assert_nothing_is_vended(&self) {
        let refused = self.vend_at_once().await.unwrap_err();
        assert!(matches!(refused, BrokerError::ConsentRequired(ConsentCause::Revoked)), "{refused:?}");
    }

    async fn assert_revoked(&self, tokens: &[&str]) {
        let grant = self.grant().await;
        assert_eq!(
            (grant.lifecycle, grant.revocation),
            (Lifecycle::Revoked, Some(RevocationOutcome::Revoked))
        );
        assert_eq!(self.provider.revoked(), tokens);
        self.assert_nothing_is_vended().await;
    }

    /// A refresh that waits for the provider.
    async fn refresh_under_way(&self) {
        self.provider.next([Answer::RotateWhenReleased]);
        let broker = self.broker.clone();
        tokio::spawn(async move { broker.refresh_grant(&key(), None).await.map(drop) });
        self.provider.reached().await;
    }
}

#[tokio::test]
async fn nothing_is_served_from_the_answer_on_and_the_provider_is_told_after_it() {
    let world = World::new().await;
    assert_eq!(world.token().await, "at-1");
    assert_eq!(world.revoke().await.lifecycle, Lifecycle::Revoking);
    world.assert_nothing_is_vended().await;
    assert!(world.provider.revoked().is_empty());
    world.carry_out().await;
    world.assert_revoked(&["rt-1"]).await;
    assert_eq!(world.revoke().await.lifecycle, Lifecycle::Revoked, "idempotent");
    world.carry_out().await;
    world.assert_revoked(&["rt-1"]).await;
}

#[tokio::test]
async fn a_grant_that_is_not_there_is_not_found() {
    let world = World::empty(profile()).await;
    assert!(matches!(world.broker.revoke_grant(&key(), &actor()).await, Err(BrokerError::GrantNotFound)));
}

#[tokio::test]
async fn the_access_token_is_shown_too_where_it_may_outlive_the_refresh_token() {
    let world = World::with(ProviderProfile { revocation: Some(RevokedTokens::Both), ..profile() }).await;
    world.revoke().await;
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "at-1"]).await;
}

#[tokio::test]
async fn without_an_endpoint_the_tokens_are_erased_at_once_and_the_grant_says_so() {
    let world = World::with(ProviderProfile { revocation: None, ..profile() }).await;
    world.revoke().await;
    world.carry_out().await;
    let grant = world.grant().await;
    assert_eq!(
        (grant.lifecycle, grant.revocation),
        (Lifecycle::Revoked, Some(RevocationOutcome::NotSupported))
    );
    assert!(world.provider.revoked().is_empty());
}

#[tokio::test]
async fn a_provider_that_is_down_for_a_day_is_asked_until_it_answers() {
    for down in [Unrevoked::Unreachable, Unrevoked::Fails(FailureKind::Uncertain)] {
        let world = World::new().await;
        world.provider.does_not_revoke(Some(down));
        world.revoke().await;
        world.carry_out().await;
        world.carry_out_for(24, 3600).await;
        let grant = world.grant().await;
        assert_eq!(grant.lifecycle, Lifecycle::Revoking);
        assert!(grant.last_failure.unwrap().in_a_row > 10, "{down:?}");
        world.provider.does_not_revoke(None);
        world.carry_out_for(4, 3600).await;
        world.assert_revoked(&["rt-1"]).await;
    }
}

#[tokio::test]
async fn a_provider_that_refuses_for_a_day_is_not_asked_for_ever() {
    let world = World::new().await;
    world.provider.does_not_revoke(Some(Unrevoked::Fails(FailureKind::Refused)));
    world.revoke().await;
    world.carry_out_for(26, 3600).await;
    let grant = world.grant().await;
    assert_eq!((grant.lifecycle, grant.revocation), (Lifecycle::Revoked, Some(RevocationOutcome::Refused)));
}

#[tokio::test]
async fn a_refresh_under_way_is_not_cancelled_and_its_tokens_are_revoked_too() {
    let world = World::new().await;
    world.refresh_under_way().await;
    world.revoke().await;
    world.provider.release();
    world.settled().await;
    world.assert_nothing_is_vended().await;
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "rt-2"]).await;
}

#[tokio::test]
async fn an_answer_that_comes_after_the_end_reopens_the_revocation() {
    let world = World::new().await;
    world.refresh_under_way().await;
    world.revoke().await;
    // Not `carry_out`: the refresh is still under way.
    world.broker.revoke_due().await.unwrap();
    while world.grant().await.lifecycle != Lifecycle::Revoked {
        tokio::task::yield_now().await;
    }
    world.provider.release();
    world.settled().await;
    assert_eq!(world.grant().await.lifecycle, Lifecycle::Revoking);
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "rt-2"]).await;
}

#[tokio::test]
async fn an_answer_that_a_journal_brings_back_is_revoked_too() {
    let mut world = World::new().await;
    world.flaky.hang_adopt.store(true, std::sync::atomic::Ordering::SeqCst);
    let broker = world.broker.clone();
    let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await.map(drop) });
    world.flaky.refused.notified().await;
    world.revoke().await;
    refreshing.abort();
    world.flaky.hang_adopt.store(false, std::sync::atomic::Ordering::SeqCst);
    world.restart();
    world.broker.recover().await.unwrap();
    world.assert_nothing_is_vended().await;
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "rt-2"]).await;
    world.restart();
    world.broker.recover().await.unwrap();
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "rt-2"]).await;
}

#[tokio::test]
async fn another_run_carries_out_what_a_crash_interrupted() {
    for (crash, shown) in
        [(Unrevoked::Hangs, &["rt-1"][..]), (Unrevoked::RevokesAndHangs, &["rt-1", "rt-1"][..])]
    {
        let mut world = World::new().await;
        world.provider.does_not_revoke(Some(crash));
        world.revoke().await;
        world.provider.next([]);
        world.broker.revoke_due().await.unwrap();
        world.provider.reached().await;
        world.provider.does_not_revoke(None);
        world.restart();
        world.broker.recover().await.unwrap();
        world.carry_out().await;
        assert_eq!(world.grant().await.lifecycle, Lifecycle::Revoking, "it is held for the one before");
        world.carry_out_for(3, 60).await;
        world.assert_revoked(shown).await;
    }
}

#[tokio::test]
async fn a_grant_is_revoked_in_every_phase() {
    for (before, phase) in [
        (Some(fail(FailureKind::DeadToken)), Phase::Suspect),
        (Some(Answer::RotateAndLose), Phase::Uncertain),
        (Some(fail(FailureKind::ClientRejected)), Phase::Idle),
        (None, Phase::Idle),
    ] {
        let world = World::new().await;
        if let Some(answer) = before {
            world.provider.next([answer]);
            world.broker.refresh_grant(&key(), None).await.unwrap_err();
        }
        assert_eq!(world.grant().await.phase, phase);
        world.revoke().await;
        world.assert_nothing_is_vended().await;
        world.carry_out_for(2, 60).await;
        world.assert_revoked(&["rt-1"]).await;
    }
}

#[tokio::test]
async fn a_consent_under_way_is_revoked_too_and_its_user_is_told() {
    let world = World::new().await;
    let consenting = world.consent_under_way().await;
    world.revoke().await;
    world.provider.release();
    let refused = consenting.await.unwrap().unwrap_err();
    let revoked = BrokerError::AuthorizationInvalid(AuthorizationProblem::Revoked);
    assert_eq!(format!("{refused:?}"), format!("{revoked:?}"));
    world.carry_out().await;
    world.assert_revoked(&["rt-1", "rt-2"]).await;
}

#[tokio::test]
async fn a_new_consent_makes_the_grant_active_while_the_old_token_is_still_revoked() {
    let world = World::new().await;
    world.provider.does_not_revoke(Some(Unrevoked::Unreachable));
    world.revoke().await;
    world.carry_out().await;
    world.provider.does_not_revoke(None);
    assert_eq!(world.consent().await.unwrap().lifecycle, Lifecycle::Active);
    assert_eq!(world.token().await, "at-2");
    world.carry_out_for(2, 60).await;
    assert_eq!(world.provider.revoked(), ["rt-1"]);
    assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn a_revocation_that_could_end_the_new_consent_is_let_go() {
    for reach in [RevocationReach::Authorization, RevocationReach::Unknown] {
        let world = World::with(ProviderProfile { revocation_reaches: reach, ..profile() }).await;
        world.provider.does_not_revoke(Some(Unrevoked::Unreachable));
        world.revoke().await;
        world.carry_out().await;
        world.provider.does_not_revoke(None);
        world.consent().await.unwrap();
        world.carry_out_for(2, 3600).await;
        assert!(world.provider.revoked().is_empty(), "{reach:?}");
        assert_eq!(world.grant().await.lifecycle, Lifecycle::Active);
    }
}

#[tokio::test]
async fn what_a_consent_replaces_is_revoked_where_that_does_not_reach_it() {
    let world = World::new().await;
    world.consent().await.unwrap();
    world.carry_out().await;
    assert_eq!(world.provider.revoked(), ["rt-1"]);
    assert_eq!(world.token().await, "at-2");

    let careful = ProviderProfile { revocation_reaches: RevocationReach::Unknown, ..profile() };
    let world = World::with(careful).await;
    world.consent().await.unwrap();
    world.carry_out().await;
    assert!(world.provider.revoked().is_empty());
}

#[tokio::test]
async fn what_matches_is_counted_first_and_revoked_then() {
    let world = World::new().await;
    let filter = GrantFilter {
        tenant: tenant(),
        provider: None,
        user: None,
        registration: None,
        lifecycles: vec![],
        after: None,
        limit: 0,
    };
    let would = world.broker.revoke_grants(&filter, true, &actor()).await.unwrap();
    assert_eq!((would.matched, would.sample, would.more), (1, vec![key()], false));
    assert_eq!(world.token().await, "at-1", "a dry run changes nothing");
    assert_eq!(world.broker.revoke_grants(&filter, false, &actor()).await.unwrap().matched, 1);
    world.assert_nothing_is_vended().await;
    assert_eq!(world.broker.revoke_grants(&filter, false, &actor()).await.unwrap().matched, 0);
}

/// What may happen around a revocation.
#[derive(Debug, Clone, Copy)]
enum Event {
    Vend,
    Refresh,
    RefreshLate,
    Release,
    Pass(u64),
    CarryOut,
    Restart,
    ProviderDown,
    ProviderUp,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let event = prop_oneof![
        Just(Event::Vend),
        Just(Event::Refresh),
        Just(Event::RefreshLate),
        Just(Event::Release),
        (1..7200_u64).prop_map(Event::Pass),
        Just(Event::CarryOut),
        Just(Event::Restart),
        Just(Event::ProviderDown),
        Just(Event::ProviderUp),
    ];
    proptest::collection::vec(event, 0..12)
}

impl World {
    async fn take_part(&mut self, event: Event) {
        match event {
            Event::Vend => drop(self.vend_at_once().await),
            Event::Refresh => drop(self.broker.refresh_grant(&key(), Some(Duration::ZERO)).await),
            Event::RefreshLate => {
                self.provider.next([Answer::RotateWhenReleased]);
                drop(self.broker.refresh_grant(&key(), Some(Duration::ZERO)).await);
            }
            Event::Release => self.provider.release(),
            Event::Pass(seconds) => self.pass(seconds),
            Event::CarryOut => drop(self.broker.revoke_due().await.unwrap()),
            Event::Restart => {
                self.restart();
                self.broker.recover().await.unwrap();
            }
            Event::ProviderDown => self.provider.does_not_revoke(Some(Unrevoked::Unreachable)),
            Event::ProviderUp => self.provider.does_not_revoke(None),
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn once_a_revocation_is_durable_no_token_of_the_grant_is_vended(
        before in events(), after in events(), reusable in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let rotation = if reusable { RotationMode::Reusable } else { profile().rotation };
            let mut world = World::with(ProviderProfile { rotation, ..profile() }).await;
            for event in before {
                world.take_part(event).await;
            }
            world.revoke().await;
            for event in after {
                world.assert_nothing_is_vended().await;
                world.take_part(event).await;
                world.assert_nothing_is_vended().await;
                let lifecycle = world.grant().await.lifecycle;
                assert!(lifecycle.is_revoked(), "{lifecycle:?}");
            }
        });
    }
}

#[tokio::test]
async fn a_replica_that_hears_no_news_forgets_within_a_second() {
    let mut world = World::new().await;
    let other = world.broker.clone();
    world.join_beside(2).await;
    let vends = async |broker: &Arc<Broker>| broker.vendor().vend(&request()).await;
    assert!(vends(&other).await.is_ok(), "it is held there");
    let stop = CancellationToken::new();
    let listening = tokio::spawn(other.clone().run_news(stop.clone()));
    tokio::task::yield_now().await;
    world.revoke().await;
    world.pass(1);
    let refusing = async {
        while !matches!(vends(&other).await, Err(BrokerError::ConsentRequired(ConsentCause::Revoked))) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), refusing).await.expect("it serves the revoked grant");
    stop.cancel();
    listening.await.unwrap();
}
