//! Deleting a tenant: its grants are revoked upstream, then nothing of it opens any more.

use broker_core::testing::conformance::actor;
use broker_core::{BrokerError, Lifecycle, Permit, Recovered, StartRequest, Timestamp};

use crate::fakes::{Answer, Unrevoked};
use crate::world::{World, key, tenant};

impl World {
    /// Asks for it, and how far it is: when the keys were destroyed, and how many grants are left.
    async fn delete(&self) -> (Option<Timestamp>, u64) {
        let (_, deletion) = self.broker.delete_tenant(&tenant(), None, &actor()).await.unwrap();
        (deletion.destroyed_at, deletion.grants_left)
    }

    /// What every replica does at each tick.
    async fn tick(&self) {
        while self.broker.revoke_due().await.unwrap() > 0 {
            self.settled().await;
        }
        self.broker.go_on_deleting().await.unwrap();
        self.broker.beat().await;
    }

    async fn assert_gone(&self) {
        assert!(self.delete().await.0.is_some());
        self.vend_at_once().await.unwrap_err();
        let request = StartRequest {
            key: key(),
            registration: None,
            scopes: vec![],
            login_hint: None,
            allow_account_change: false,
            hosting: Default::default(),
            permit: Permit::unlimited(),
        };
        let refused = self.broker.start_authorization(&request, &actor()).await.unwrap_err();
        assert!(matches!(refused, BrokerError::TenantNotFound), "{refused:?}");
        let taken = self.broker.create_tenant(tenant(), "Acme".into(), None, &actor()).await.unwrap_err();
        assert!(matches!(taken, BrokerError::AlreadyExists(_)), "{taken:?}");
    }
}

#[tokio::test]
async fn a_tenant_is_gone_when_its_grants_are_revoked_upstream() {
    let world = World::new().await;
    world.provider.does_not_revoke(Some(Unrevoked::Unreachable));
    assert_eq!(world.delete().await, (None, 1));
    world.vend_at_once().await.unwrap_err();
    world.tick().await;
    assert_eq!(world.delete().await, (None, 1), "the provider does not answer");
    world.provider.does_not_revoke(None);
    world.pass(60);
    world.tick().await;
    assert_eq!(world.provider.revoked(), ["rt-1"]);
    world.assert_gone().await;
}

#[tokio::test]
async fn the_next_run_goes_on_with_a_deletion() {
    let mut world = World::new().await;
    world.provider.does_not_revoke(Some(Unrevoked::Hangs));
    world.delete().await;
    world.provider.next([]);
    world.broker.revoke_due().await.unwrap();
    world.provider.reached().await;
    world.provider.does_not_revoke(None);
    world.restart();
    world.broker.recover().await.unwrap();
    for _ in 0..4 {
        world.pass(60);
        world.tick().await;
    }
    world.assert_gone().await;
}

#[tokio::test]
async fn the_keys_wait_for_an_answer_under_way_and_it_is_revoked_with_them() {
    let world = World::new().await;
    world.provider.next([Answer::RotateWhenReleased]);
    let broker = world.broker.clone();
    tokio::spawn(async move { broker.refresh_grant(&key(), None).await.map(drop) });
    world.provider.reached().await;
    world.delete().await;
    world.broker.revoke_due().await.unwrap();
    while world.grant().await.lifecycle != Lifecycle::Revoked {
        tokio::task::yield_now().await;
    }
    world.broker.go_on_deleting().await.unwrap();
    assert_eq!(world.delete().await, (None, 0), "an attempt is open");
    world.provider.release();
    world.settled().await;
    world.tick().await;
    assert_eq!(world.provider.revoked(), ["rt-1", "rt-2"]);
    world.assert_gone().await;
}

#[tokio::test]
async fn a_consent_under_way_makes_no_grant_that_stays() {
    let world = World::empty(crate::world::profile()).await;
    let consenting = world.consent_under_way().await;
    assert_eq!(world.delete().await, (None, 0));
    world.tick().await;
    assert_eq!(world.delete().await.0, None, "the exchange is open");
    world.provider.release();
    consenting.await.unwrap().unwrap();
    world.broker.go_on_deleting().await.unwrap();
    world.vend_at_once().await.unwrap_err();
    world.tick().await;
    assert_eq!(world.provider.revoked(), ["rt-1"]);
    world.assert_gone().await;
}

#[tokio::test]
async fn what_a_journal_has_of_a_deleted_tenant_is_settled() {
    let mut world = World::new().await;
    world.broker.refresh_grant(&key(), None).await.unwrap();
    world.delete().await;
    world.tick().await;
    world.assert_gone().await;
    world.restart();
    let recovered = world.broker.recover().await.unwrap();
    assert_eq!(recovered, Recovered::default(), "nothing is left to settle");
    world.assert_gone().await;
}
