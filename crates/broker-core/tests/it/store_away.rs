//! While the store does not answer, a token that is valid is served, whatever was doubted before or meanwhile; of one that may
//! be dead, the caller is warned.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use broker_core::testing::MemoryRequests;
use broker_core::testing::conformance::actor;
use broker_core::{
    Broker, BrokerError, FailureKind, Lifecycle, ProviderProfile, StaleReason, VendRequest, Vended,
};

use crate::fakes::fail;
use crate::world::{World, key, profile, request};

impl World {
    fn store_goes_away(&self) {
        self.flaky.refuse_reads.store(true, Ordering::SeqCst);
        self.flaky.refuse_claim.store(true, Ordering::SeqCst);
    }

    fn store_is_back(&self) {
        self.flaky.refuse_reads.store(false, Ordering::SeqCst);
        self.flaky.refuse_claim.store(false, Ordering::SeqCst);
    }
}

fn assert_refused(vended: Result<Vended, BrokerError>) {
    assert!(matches!(vended, Err(BrokerError::BackendUnavailable(_))), "{vended:?}");
}

/// Two replicas that do not hear each other: each heartbeat doubts what is held.
async fn beside_another() -> (World, Arc<Broker>) {
    let mut world = World::new().await;
    let other = world.broker.clone();
    world.join_beside(2).await;
    assert_eq!(world.token().await, "at-1");
    (world, other)
}

#[tokio::test]
async fn what_is_doubted_is_read_again_and_served_where_it_cannot_be() {
    let (world, _) = beside_another().await;
    let reads = || world.flaky.reads.load(Ordering::Relaxed);
    world.broker.beat().await;
    let before = reads();
    assert_eq!((world.token().await.as_str(), world.token().await.as_str()), ("at-1", "at-1"));
    assert_eq!(reads() - before, 1, "read once");

    world.broker.beat().await;
    world.store_goes_away();
    for _ in 0..3 {
        let vended = world.vend().await.unwrap();
        assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", None));
    }
    assert_eq!(reads() - before, 2, "asked for in vain once");
}

#[tokio::test]
async fn it_is_read_again_once_the_store_is_back() {
    let (world, other) = beside_another().await;
    world.broker.beat().await;
    world.store_goes_away();
    assert_eq!(world.token().await, "at-1");
    world.store_is_back();
    other.refresh_grant(&key(), None).await.unwrap();
    // Nobody has told this replica yet.
    assert_eq!(world.token().await, "at-1");
    world.broker.beat().await;
    assert_eq!(world.token().await, "at-2");
}

#[tokio::test]
async fn a_revocation_is_no_doubt() {
    let (world, other) = beside_another().await;
    world.broker.beat().await;
    world.store_goes_away();
    assert_eq!(world.token().await, "at-1");
    world.store_is_back();
    other.revoke_grant(&key(), &actor()).await.unwrap();
    world.broker.beat().await;
    world.store_goes_away();
    assert_refused(world.vend().await);
}

#[tokio::test]
async fn without_news_a_process_that_only_vends_does_so_too() {
    let world = World::new().await;
    let requests = Arc::<MemoryRequests>::default();
    let api = world.api(requests);
    let vend =
        async || api.vendor().vend(&request()).await.map(|vended| vended.access_token.expose().to_owned());
    assert_eq!(vend().await.unwrap(), "at-1");
    api.look().await;
    world.store_goes_away();
    assert_eq!(vend().await.unwrap(), "at-1");
}

#[tokio::test]
async fn a_token_that_cannot_be_refreshed_is_served_to_its_end() {
    let world = World::new().await;
    assert_eq!(world.token().await, "at-1");
    world.pass(3600 - 59);
    world.store_goes_away();
    for _ in 0..2 {
        let vended = world.vend().await.unwrap();
        assert_eq!(
            (vended.access_token.expose(), vended.stale),
            ("at-1", Some(StaleReason::BackendUnavailable))
        );
    }
    world.pass(59);
    assert_refused(world.vend().await);
}

#[tokio::test]
async fn a_token_that_a_refresh_may_have_ended_is_served_with_a_warning() {
    let dies = ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() };
    let mut world = World::with(dies).await;
    let other = world.broker.clone();
    world.join_beside(2).await;
    assert_eq!(world.token().await, "at-1");
    // Nobody tells this replica.
    other.refresh_grant(&key(), None).await.unwrap();
    world.broker.beat().await;
    world.store_goes_away();
    let vended = world.vend().await.unwrap();
    assert_eq!((vended.access_token.expose(), vended.stale), ("at-1", Some(StaleReason::RotationUncertain)));
}

#[tokio::test]
async fn a_process_that_asked_for_a_rotation_in_vain_warns_too() {
    let dies = ProviderProfile { old_access_token_dies_on_refresh: true, ..profile() };
    let world = World::with(dies).await;
    let requests = Arc::<MemoryRequests>::default();
    let api = world.api(requests.clone());
    let vend = async || api.vendor().vend(&request()).await.map(|vended| vended.stale);
    assert_eq!(vend().await.unwrap(), None);
    api.look().await;
    world.store_goes_away();
    assert_eq!(vend().await.unwrap(), Some(StaleReason::RotationUncertain));
}

#[tokio::test]
async fn a_grant_that_was_given_up_here_is_not_taken_for_alive() {
    let world = World::new().await;
    assert_eq!(world.token().await, "at-1");
    while world.grant().await.lifecycle == Lifecycle::Active {
        world.provider.next([fail(FailureKind::DeadToken)]);
        drop(world.broker.refresh_grant(&key(), None).await);
        world.pass(60);
    }
    world.store_goes_away();
    assert_refused(world.vend().await);
}

#[tokio::test]
async fn that_scopes_or_a_consent_are_missing_is_not_said_of_what_may_have_changed() {
    let (world, other) = beside_another().await;
    world.broker.beat().await;
    world.store_goes_away();
    let more = VendRequest { required_scopes: vec!["cameras:write".to_owned()], ..request() };
    assert_refused(world.broker.vend(&more).await);

    world.store_is_back();
    while world.grant().await.lifecycle == Lifecycle::Active {
        world.provider.next([fail(FailureKind::DeadToken)]);
        drop(other.refresh_grant(&key(), None).await);
        world.pass(60);
    }
    other.beat().await;
    world.broker.beat().await;
    assert_eq!(world.vend().await.unwrap().stale, Some(StaleReason::ConsentRequired));
    world.broker.beat().await;
    world.store_goes_away();
    assert_refused(world.vend().await);
}
