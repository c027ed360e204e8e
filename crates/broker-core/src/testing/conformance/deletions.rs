//! Deleting a tenant: its keys are destroyed when nothing of it can come to light any more.

use super::World;
use super::samples::{HOUR, NOW, SECOND, key, key_of, provider, record, registration_id, tenant_id};
use crate::ports::{CreateOutcome, DestroyKeys};
use crate::{AuthorizationStatus, Tenant, Timestamp};

impl World {
    pub(super) async fn begin_deletion(&self) {
        assert!(self.deletions.begin_deletion(&tenant_id("acme"), NOW, &record()).await.unwrap());
    }

    /// Whether the keys are destroyed now; what was sent more than a minute ago counts as settled.
    pub(super) async fn destroy_at(&self, at: Timestamp) -> bool {
        let tenant = tenant_id("acme");
        let ask = DestroyKeys { tenant, at, settled_since: at - SECOND * 60, alive_since: at - SECOND };
        self.deletions.destroy_keys(&ask).await.unwrap()
    }

    async fn tenant(&self) -> Tenant {
        self.tenants.tenant(&tenant_id("acme")).await.unwrap().unwrap()
    }
}

pub async fn deletions_are_read_from_one_tenant_to_another(world: World) {
    for name in ["bravo", "delta", "echo"] {
        world.add_tenant(name).await;
    }
    for name in ["bravo", "delta"] {
        assert!(world.deletions.begin_deletion(&tenant_id(name), NOW, &record()).await.unwrap());
    }
    let between = async |first, last| {
        let read = world.deletions.deletions_between(&tenant_id(first), &tenant_id(last)).await.unwrap();
        read.into_iter().map(|(tenant, deletion)| (tenant.to_string(), deletion.began_at)).collect::<Vec<_>>()
    };
    let [bravo, delta] = ["bravo", "delta"].map(|name| (name.to_owned(), NOW));
    assert_eq!(between("acme", "echo").await, [bravo.clone(), delta.clone()]);
    assert_eq!(between("acme", "bravo").await, [bravo]);
    assert_eq!(between("charlie", "delta").await, [delta]);
    assert_eq!(between("echo", "zulu").await, []);
}

pub async fn a_tenant_is_deleted_by_steps(world: World) {
    assert_eq!(world.deletions.deletion(&tenant_id("acme")).await.unwrap(), None);
    assert!(!world.deletions.begin_deletion(&tenant_id("nobody"), NOW, &record()).await.unwrap());
    assert!(!world.destroy_at(NOW).await, "nobody asked for it");
    world.grant(&key("ada")).await;
    world.begin_deletion().await;
    world.begin_deletion().await;
    assert_eq!(world.deletions.deletions().await.unwrap(), [tenant_id("acme")]);
    let deletion = world.deletions.deletion(&tenant_id("acme")).await.unwrap().unwrap();
    assert_eq!((deletion.began_at, deletion.destroyed_at, deletion.grants_left), (NOW, None, 1));

    assert!(!world.destroy_at(NOW).await, "a grant is active");
    world.revoke(&key("ada")).await;
    assert!(!world.destroy_at(NOW).await, "a grant is revoking");
    world.end(&world.take_one().await).await;
    assert!(world.destroy_at(NOW).await);
    assert!(world.destroy_at(NOW + SECOND).await, "idempotent");

    let deletion = world.deletions.deletion(&tenant_id("acme")).await.unwrap().unwrap();
    assert_eq!((deletion.destroyed_at, deletion.grants_left), (Some(NOW), 0));
    assert!(world.deletions.deletions().await.unwrap().is_empty());
    assert_eq!(world.deletions.destroyed_since(NOW).await.unwrap(), [tenant_id("acme")]);
    assert!(world.deletions.destroyed_since(NOW + SECOND).await.unwrap().is_empty());
}

pub async fn a_deleted_tenant_keeps_its_id_and_none_of_its_keys(world: World) {
    let wrapped = broker_crypto::WrappedDek {
        id: broker_crypto::DekId::from_bytes(&[5; 16]).unwrap(),
        purpose: broker_crypto::KeyPurpose::Access,
        envelope: broker_crypto::service_envelope(&broker_crypto::KekId::new("kek").unwrap(), "1"),
    };
    let keyed = Tenant { id: tenant_id("keyed"), keys: vec![wrapped], ..world.tenant().await };
    assert_eq!(world.tenants.create_tenant(&keyed, None, &record()).await.unwrap(), CreateOutcome::Created);
    assert!(world.deletions.begin_deletion(&keyed.id, NOW, &record()).await.unwrap());
    let ask = DestroyKeys { tenant: keyed.id.clone(), at: NOW, settled_since: NOW, alive_since: NOW };
    assert!(world.deletions.destroy_keys(&ask).await.unwrap());
    assert!(world.tenants.tenant(&keyed.id).await.unwrap().unwrap().keys.is_empty());
    let again = world.tenants.create_tenant(&keyed, None, &record()).await.unwrap();
    assert_eq!(again, CreateOutcome::Taken, "the id is never given again");

    world.begin_deletion().await;
    assert!(world.destroy_at(NOW).await);
    let kept = world.tenants.registration(&tenant_id("acme"), &provider(), &registration_id()).await;
    assert!(kept.unwrap().unwrap().secrets.is_empty());
}

pub async fn links_of_a_tenant_that_is_deleted_are_worth_nothing(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    world.begin_deletion().await;
    let status = world.status_of(authorization.id).await;
    assert_eq!(status, AuthorizationStatus::Failed("revoked".into()));
    assert!(
        world.grants.claim_exchange(&world.exchange_of(&authorization)).await.unwrap().attempt().is_none()
    );
}

pub async fn keys_outlive_an_open_attempt(world: World) {
    let (exchange, _) = world.exchange(&key("ada")).await;
    world.begin_deletion().await;
    assert!(!world.destroy_at(NOW + HOUR).await);
    assert!(world.close(&exchange, None).await);
    assert!(world.destroy_at(NOW + HOUR).await);
}

pub async fn keys_outlive_the_journal_of_a_dead_replica_for_a_while(world: World) {
    let (exchange, _) = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange).await);
    world.close(&exchange, None).await;
    world.begin_deletion().await;
    assert!(!world.destroy_at(NOW + SECOND * 59).await, "its owner is silent, and its journal not drained");
    world.fleet.leave(world.owner, NOW).await.unwrap();
    assert!(world.destroy_at(NOW + SECOND * 59).await);
}

pub async fn what_was_waited_for_long_enough_is_settled(world: World) {
    let (exchange, _) = world.exchange(&key("ada")).await;
    assert!(world.send(&exchange).await);
    world.close(&exchange, None).await;
    world.begin_deletion().await;
    assert!(!world.destroy_at(NOW + SECOND * 59).await);
    assert!(world.destroy_at(NOW + SECOND * 61).await);
}

pub async fn a_neighbour_of_a_deleted_tenant_notices_nothing(world: World) {
    world.add_tenant("rival").await;
    world.grant(&key_of("rival", "ada")).await;
    let attempt = world.claim(&key_of("rival", "ada"), 1).await.attempt;
    world.begin_deletion().await;
    assert!(world.destroy_at(NOW).await, "open attempts of others do not count");
    assert_eq!(world.deletions.deletion(&tenant_id("rival")).await.unwrap(), None);
    assert!(world.send(&attempt).await);
    assert!(world.grants.vendable(&key_of("rival", "ada")).await.unwrap().unwrap().access_token.is_some());
}
