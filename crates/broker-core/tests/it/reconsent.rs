//! Consents on a grant that exists: of the same account or another, and what is served meanwhile (rule 13).

use std::sync::atomic::Ordering;
use std::time::Duration;

use broker_core::ports::RevocationStore as _;
use broker_core::testing::conformance::actor;
use broker_core::{
    AuthorizationProblem, AuthorizationStatus, BrokerError, Clock as _, ConsentReplaces, FailureKind, Grant,
    Lifecycle, ProviderProfile, RevocationReach, StaleReason, StartRequest,
};

use crate::fakes::{Account, Answer, fail};
use crate::world::{World, key, key_of, profile, request, start_request};

/// Ada has a grant of the account `ada-1`.
async fn pinned(profile: ProviderProfile) -> World {
    let world = World::empty(profile).await;
    world.provider.tells(Account::Named("ada-1"));
    world.consent().await.unwrap();
    world.log.taken();
    world
}

fn problem(result: Result<Grant, BrokerError>) -> AuthorizationProblem {
    match result {
        Err(BrokerError::AuthorizationInvalid(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_account_is_asked_for_after_the_answer_is_in_escrow_and_before_it_is_adopted() {
    let world = World::empty(profile()).await;
    world.provider.tells(Account::Named("ada-1"));
    let grant = world.consent().await.unwrap();
    assert_eq!(world.log.taken(), ["sent", "escrow", "interpret", "identify"]);
    assert!(grant.upstream_account.is_some());
}

#[tokio::test]
async fn a_consent_of_the_same_account_replaces_the_grant() {
    let world = pinned(profile()).await;
    let before = world.grant().await;
    let grant = world.consent().await.unwrap();
    assert_eq!((grant.generation.get(), grant.upstream_account), (2, before.upstream_account));
    assert_ne!(grant.lineage, before.lineage);
}

#[tokio::test]
async fn a_consent_of_another_account_is_refused_and_leaves_the_grant_as_it_was() {
    let world = pinned(profile()).await;
    let before = world.grant().await;
    world.provider.tells(Account::Named("eve-1"));
    let started = world.start().await;
    let refused = world.broker.complete_authorization(&world.callback(&started), &actor()).await;
    assert_eq!(problem(refused), AuthorizationProblem::AccountChanged);
    let status = world.authorization(started.id).await.status;
    assert_eq!(status, AuthorizationStatus::Failed("account_changed".into()));
    let after = world.grant().await;
    assert_eq!((after.lineage, after.generation), (before.lineage, before.generation));
    assert_eq!(world.token().await, "at-1");
}

#[tokio::test]
async fn after_a_refusal_the_grant_is_due_at_once() {
    let world = pinned(profile()).await;
    assert!(world.grant().await.due_at.unwrap() > world.clock.now());
    world.provider.tells(Account::Named("eve-1"));
    world.consent().await.unwrap_err();
    assert_eq!(world.grant().await.due_at, Some(world.clock.now()));
}

#[tokio::test]
async fn a_refused_token_set_is_revoked_only_where_that_reaches_nothing_else() {
    for (reach, count) in [(RevocationReach::Token, 1), (RevocationReach::Unknown, 0)] {
        let world = pinned(ProviderProfile { revocation_reaches: reach, ..profile() }).await;
        world.provider.tells(Account::Named("eve-1"));
        world.consent().await.unwrap_err();
        let take = broker_core::ports::TakeRevocations {
            due_by: world.clock.now(),
            hold_until: world.clock.now() + Duration::from_secs(60),
            limit: 10,
        };
        assert_eq!(world.store().take_revocations(take).await.unwrap().len(), count, "{reach:?}");
    }
}

#[tokio::test]
async fn another_account_is_accepted_where_the_product_allows_it() {
    let world = pinned(profile()).await;
    let before = world.grant().await;
    world.provider.tells(Account::Named("eve-1"));
    let request = StartRequest { allow_account_change: true, ..start_request("ada") };
    let started = world.broker.start_authorization(&request, &actor()).await.unwrap();
    let grant = world.broker.complete_authorization(&world.callback(&started), &actor()).await.unwrap();
    assert!(grant.upstream_account.is_some() && grant.upstream_account != before.upstream_account);
}

#[tokio::test]
async fn a_revoked_grant_may_be_made_anew_of_another_account() {
    let world = pinned(profile()).await;
    world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    world.provider.tells(Account::Named("eve-1"));
    assert_eq!(world.consent().await.unwrap().lifecycle, Lifecycle::Active);
}

#[tokio::test]
async fn a_first_consent_does_not_wait_for_its_account_which_is_learnt_at_a_refresh() {
    let world = World::empty(profile()).await;
    world.provider.tells(Account::Unavailable);
    assert_eq!(world.consent().await.unwrap().upstream_account, None);
    assert_eq!(world.provider.asked.load(Ordering::SeqCst), 1);
    world.provider.tells(Account::Named("ada-1"));
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world.settled().await;
    assert!(world.grant().await.upstream_account.is_some());
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world.settled().await;
    assert_eq!(world.provider.asked.load(Ordering::SeqCst), 2, "it is known now");
}

#[tokio::test]
async fn while_nobody_says_whose_it_is_a_new_consent_waits_in_escrow() {
    let world = pinned(profile()).await;
    world.provider.tells(Account::Unavailable);
    let started = world.start().await;
    let (broker, callback) = (world.broker.clone(), world.callback(&started));
    let asked = || world.provider.asked.load(Ordering::SeqCst);
    let before = asked();
    let consenting = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
    // The store works in real time: until the code is exchanged none may pass, or the authorization lapses.
    while asked() == before {
        tokio::task::yield_now().await;
    }
    let unanswered = world.outwait(consenting).await;
    assert!(
        matches!(unanswered, Err(BrokerError::ProviderUnavailable(_) | BrokerError::RefreshInProgress(_))),
        "{unanswered:?}"
    );
    world.settled_in_time().await;
    assert_eq!(world.authorization(started.id).await.status, AuthorizationStatus::Exchanging);
    assert_eq!(world.grant().await.generation.get(), 1);
    world.provider.tells(Account::Named("ada-1"));
    world.broker.beat().await;
    assert_eq!(world.authorization(started.id).await.status, AuthorizationStatus::Completed);
    assert_eq!(world.grant().await.generation.get(), 2);
}

#[tokio::test]
async fn a_crash_while_the_account_is_asked_for_is_replayed_with_the_same_question() {
    for (account, generation, status) in [
        ("ada-1", 2, AuthorizationStatus::Completed),
        ("eve-1", 1, AuthorizationStatus::Failed("account_changed".into())),
    ] {
        let mut world = pinned(profile()).await;
        world.provider.tells(Account::Hangs);
        world.provider.next([]);
        let started = world.start().await;
        let (broker, callback) = (world.broker.clone(), world.callback(&started));
        let dying = tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
        while world.provider.asked.load(Ordering::SeqCst) < 2 {
            tokio::task::yield_now().await;
        }
        dying.abort();
        world.restart();
        world.provider.tells(Account::Named(account));
        world.broker.recover().await.unwrap();
        assert_eq!(world.authorization(started.id).await.status, status, "{account}");
        assert_eq!(world.grant().await.generation.get(), generation, "{account}");
    }
}

#[tokio::test]
async fn a_refused_answer_that_is_replayed_stays_refused() {
    let mut world = pinned(profile()).await;
    world.provider.tells(Account::Named("eve-1"));
    world.consent().await.unwrap_err();
    let asked = world.provider.asked.load(Ordering::SeqCst);
    world.restart();
    world.broker.recover().await.unwrap();
    assert_eq!(world.grant().await.generation.get(), 1);
    assert_eq!(world.provider.asked.load(Ordering::SeqCst), asked, "nothing is asked again");
}

#[tokio::test]
async fn the_old_token_is_served_with_a_word_while_a_consent_may_end_it() {
    let told = Some(StaleReason::ReconsentRunning);
    for (replaces, reason) in
        [(ConsentReplaces::Unknown, told), (ConsentReplaces::Yes, told), (ConsentReplaces::No, None)]
    {
        let world = World::with(ProviderProfile { consent_replaces: replaces, ..profile() }).await;
        let consenting = world.consent_under_way().await;
        let vended = world.vend().await.unwrap();
        assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", reason), "{replaces:?}");
        world.provider.release();
        consenting.await.unwrap().unwrap();
        let vended = world.vend().await.unwrap();
        assert_eq!((vended.access_token.expose(), vended.stale), ("at-2", None), "{replaces:?}");
    }
}

#[tokio::test]
async fn a_refresh_whose_answer_comes_after_a_new_consent_is_not_adopted() {
    let world = World::new().await;
    world.provider.next([Answer::RotateWhenReleased]);
    let broker = world.broker.clone();
    let refreshing = tokio::spawn(async move { broker.refresh_grant(&key(), None).await });
    world.provider.reached().await;
    let grant = world.consent().await.unwrap();
    world.provider.release();
    let _ = refreshing.await.unwrap();
    world.settled().await;
    let after = world.grant().await;
    assert_eq!((after.lineage, after.generation), (grant.lineage, grant.generation));
}

#[tokio::test]
async fn a_new_consent_shows_fewer_scopes_and_missing_ones_are_named() {
    let world = World::new().await;
    *world.provider.scopes.lock().unwrap() = Some(vec!["watch".into()]);
    assert_eq!(world.consent().await.unwrap().scopes, ["watch"]);
    let mut wants = request();
    wants.required_scopes = vec!["read".into()];
    let missing = world.broker.vend(&wants).await;
    assert!(matches!(missing, Err(BrokerError::MissingScopes(scopes)) if scopes == ["read"]));
}

#[tokio::test]
async fn a_consent_without_a_refresh_token_says_so() {
    let world = World::empty(profile()).await;
    world.provider.next([Answer::SameAccessToken]);
    let grant = world.consent().await.unwrap();
    assert!(!grant.refreshable && grant.due_at.is_none());
}

#[tokio::test]
async fn users_of_one_tenant_who_share_an_account_are_counted_and_not_refused() {
    let world = pinned(profile()).await;
    assert_eq!(world.broker.account_sharers(&world.grant().await).await.unwrap(), 0);
    world.consent_of(&key_of("bob")).await;
    assert_eq!(world.broker.account_sharers(&world.grant().await).await.unwrap(), 1);
    world.broker.revoke_grant(&key_of("bob"), &actor()).await.unwrap();
    assert_eq!(world.broker.account_sharers(&world.grant().await).await.unwrap(), 0);
}

#[tokio::test]
async fn a_consent_revives_a_grant_whose_token_is_dead() {
    let world = pinned(profile()).await;
    world.provider.next([fail(FailureKind::DeadToken), fail(FailureKind::DeadToken)]);
    world.pass(7200);
    assert!(world.vend().await.is_err());
    world.pass(60);
    assert!(matches!(world.vend().await, Err(BrokerError::ConsentRequired(_))));
    assert_eq!(world.consent().await.unwrap().lifecycle, Lifecycle::Active);
}
