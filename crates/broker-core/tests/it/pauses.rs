//! Refreshing that an operator has paused.

use std::time::Duration;

use broker_core::ports::PauseTarget;
use broker_core::testing::conformance::actor;
use broker_core::{BrokerError, Principal, StaleReason, VendRequest};
use tokio_util::sync::CancellationToken;

use crate::world::{World, key, provider, request, tenant};

fn targets() -> [PauseTarget; 2] {
    [PauseTarget::Tenant(tenant()), PauseTarget::Provider(provider())]
}

impl World {
    async fn pause(&self, target: &PauseTarget, seconds: u64) {
        let (span, grace) = (Duration::from_secs(seconds), Principal::new("grace").unwrap());
        self.broker.pause_refresh(target.clone(), span, "maintenance".into(), grace, &actor()).await.unwrap();
    }

    /// Runs the scheduler for so many seconds.
    async fn schedule(&self, seconds: u64) {
        let stop = CancellationToken::new();
        let scheduler = tokio::spawn(self.broker.clone().run_scheduler(stop.clone()));
        for _ in 0..seconds {
            self.pass(1);
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
        }
        stop.cancel();
        scheduler.await.unwrap();
        self.settled().await;
    }
}

#[tokio::test]
async fn a_valid_token_is_served_and_none_is_refreshed_until_the_pause_is_over() {
    for target in targets() {
        let world = World::new().await;
        let calls = world.provider.calls();
        world.pause(&target, 3600).await;
        world.pass(3500);
        let demanding = VendRequest { min_validity: Duration::from_secs(1800), ..request() };
        let served = world.broker.vend(&demanding).await.unwrap();
        assert_eq!(served.stale, Some(StaleReason::RefreshPaused));
        world.schedule(50).await;
        let forced = world.broker.refresh_grant(&key(), None).await;
        assert!(matches!(forced, Err(BrokerError::RefreshPaused(_))), "{forced:?}");
        assert_eq!((world.provider.calls(), world.grant().await.generation.get()), (calls, 1));
        world.pass(50);
        assert_eq!(world.token().await, "at-2", "it ends by itself");
    }
}

#[tokio::test]
async fn without_a_valid_token_the_caller_is_told_to_come_back_and_soon_enough() {
    for target in targets() {
        let world = World::new().await;
        world.pause(&target, 7 * 86_400).await;
        world.pass(3600);
        let refused = world.vend().await;
        assert!(
            matches!(refused, Err(BrokerError::RefreshPaused(wait)) if wait.as_secs() == 300),
            "{refused:?}"
        );
        let grant = world.grant().await;
        assert_eq!((grant.last_failure, grant.generation.get()), (None, 1));
    }
}

#[tokio::test]
async fn what_is_resumed_is_refreshed_at_once_by_the_scheduler() {
    for target in targets() {
        let world = World::new().await;
        world.pause(&target, 7 * 86_400).await;
        world.pass(3500);
        world.schedule(10).await;
        assert_eq!(world.grant().await.generation.get(), 1);
        assert!(world.broker.resume_refresh(&target, &actor()).await.unwrap());
        assert!(!world.broker.resume_refresh(&target, &actor()).await.unwrap(), "idempotent");
        world.schedule(3).await;
        assert_eq!(world.grant().await.generation.get(), 2);
    }
}

#[tokio::test]
async fn others_go_on() {
    let world = World::new().await;
    let elsewhere = broker_core::TenantId::new("globex").unwrap();
    world.broker.create_tenant(elsewhere.clone(), String::new(), None, &actor()).await.unwrap();
    world.pause(&PauseTarget::Tenant(elsewhere), 3600).await;
    world.pass(3500);
    world.schedule(3).await;
    assert_eq!(world.grant().await.generation.get(), 2);
}

#[tokio::test]
async fn another_replica_learns_of_a_pause_and_of_its_end_and_a_new_one_starts_with_it() {
    let mut world = World::new().await;
    let [target, _] = targets();
    let first = world.broker.clone();
    let second = world.join_as(2);
    second.recover().await.unwrap();
    world.broker = first;
    world.pause(&target, 3600).await;
    second.beat().await;
    assert!(matches!(second.refresh_grant(&key(), None).await, Err(BrokerError::RefreshPaused(_))));
    let third = world.join_as(3);
    third.recover().await.unwrap();
    assert!(matches!(third.refresh_grant(&key(), None).await, Err(BrokerError::RefreshPaused(_))));
    world.broker.resume_refresh(&target, &actor()).await.unwrap();
    second.beat().await;
    assert_eq!(second.refresh_grant(&key(), None).await.unwrap().generation.get(), 2);
}

#[tokio::test]
async fn what_is_not_there_is_not_paused() {
    let world = World::new().await;
    let (nobody, nowhere) = (broker_core::TenantId::new("x"), broker_core::ProviderName::new("x"));
    let grace = || Principal::new("grace").unwrap();
    let pause = async |target| {
        world.broker.pause_refresh(target, Duration::from_secs(60), String::new(), grace(), &actor()).await
    };
    let refused = pause(PauseTarget::Tenant(nobody.unwrap())).await;
    assert!(matches!(refused, Err(BrokerError::TenantNotFound)), "{refused:?}");
    let refused = pause(PauseTarget::Provider(nowhere.unwrap())).await;
    assert!(matches!(refused, Err(BrokerError::InvalidRequest(_))), "{refused:?}");
}
