//! Machine credentials: in place of a grant, never beside one.

use broker_crypto::Sealed;

use super::World;
use super::samples::{HOUR, NOW, SECOND, SMALL, key, key_at, key_of, record, registration_id, tenant_id};
use crate::ports::{
    ChangeOutcome, MachineCredentialFilter, MachineCredentialOutcome as Outcome, RowId, StartOutcome,
};
use crate::{GrantKey, MachineCredential, MachineCredentialHeld, RowVersion, SealedApiKey};

fn pair(id: &str, secret: &str) -> MachineCredentialHeld {
    let (id, secret) = (id.as_bytes().to_vec(), secret.as_bytes().to_vec());
    MachineCredentialHeld::ApiKey(SealedApiKey {
        id: Sealed::from_bytes(id),
        secret: Sealed::from_bytes(secret),
    })
}

/// The bytes of both halves.
fn halves(held: &MachineCredential) -> [&[u8]; 2] {
    match &held.held {
        MachineCredentialHeld::ApiKey(pair) => [pair.id.as_bytes(), pair.secret.as_bytes()],
        MachineCredentialHeld::Minted(_) => panic!("no API key: {held:?}"),
    }
}

pub(super) fn credential(key: &GrantKey) -> MachineCredential {
    MachineCredential {
        key: key.clone(),
        held: pair("sealed id", "sealed secret"),
        created_at: NOW,
        updated_at: NOW,
        version: RowVersion::first(NOW),
    }
}

fn everything(tenant: &str) -> MachineCredentialFilter {
    MachineCredentialFilter { tenant: tenant_id(tenant), provider: None, user: None, after: None, limit: 100 }
}

impl World {
    pub(super) async fn put(&self, key: &GrantKey) -> Outcome {
        self.machine_credentials.create_machine_credential(&credential(key), &record()).await.unwrap()
    }

    pub(super) async fn held(&self, key: &GrantKey) -> Option<MachineCredential> {
        self.machine_credentials.machine_credential(key).await.unwrap()
    }

    async fn listed(&self, filter: &MachineCredentialFilter) -> Vec<GrantKey> {
        let listed = self.machine_credentials.list_machine_credentials(filter).await.unwrap();
        listed.into_iter().map(|credential| credential.key).collect()
    }

    pub(super) async fn erase(&self, key: &GrantKey, expected: Option<RowVersion>) -> ChangeOutcome {
        self.machine_credentials.delete_machine_credential(key, expected, &record()).await.unwrap()
    }
}

pub async fn a_machine_credential_is_kept_as_it_was_sealed(world: World) {
    assert!(world.held(&key("nvr")).await.is_none());
    assert_eq!(world.put(&key("nvr")).await, Outcome::Created);
    let held = world.held(&key("nvr")).await.unwrap();
    assert_eq!(held.key, key("nvr"));
    assert_eq!(halves(&held), [b"sealed id".as_slice(), b"sealed secret"]);
    assert_eq!((held.created_at, held.updated_at, held.version), (NOW, NOW, RowVersion::first(NOW)));
    assert_eq!(world.put(&key_of("nobody", "nvr")).await, Outcome::NoTenant);
}

pub async fn a_key_has_one_machine_credential_or_a_grant(world: World) {
    world.grant(&key("ada")).await;
    assert_eq!(world.put(&key("ada")).await, Outcome::HasGrant);
    assert_eq!(world.put(&key("nvr")).await, Outcome::Created);
    assert_eq!(world.put(&key("nvr")).await, Outcome::Taken);
    let start = world.request(&key("nvr"), registration_id());
    let started = world.consents.start_authorization(&start, &record()).await.unwrap();
    assert_eq!(started, StartOutcome::HasMachineCredential);
    assert!(world.consents.authorization(&tenant_id("acme"), start.id).await.unwrap().is_none());
}

pub async fn a_key_that_is_being_granted_takes_no_machine_credential(world: World) {
    world.authorization(&key("ada")).await;
    assert_eq!(world.put(&key("ada")).await, Outcome::HasGrant);
    let late = MachineCredential { created_at: NOW + HOUR + SECOND, ..credential(&key("ada")) };
    let outcome = world.machine_credentials.create_machine_credential(&late, &record()).await.unwrap();
    assert_eq!(outcome, Outcome::Created, "the link is worth nothing any more");
    world.exchange(&key("bob")).await;
    assert_eq!(world.put(&key("bob")).await, Outcome::HasGrant);
}

pub async fn a_revoked_grant_makes_room_for_a_machine_credential(world: World) {
    world.grant(&key("bob")).await;
    assert!(world.revoke(&key("bob")).await);
    assert_eq!(world.put(&key("bob")).await, Outcome::HasGrant, "it is still to be revoked upstream");
    assert!(world.end(&world.take_one().await).await);
    assert_eq!(world.put(&key("bob")).await, Outcome::Created);
    world.revoked_grant(&key("ada")).await;
    assert_eq!(world.put(&key("ada")).await, Outcome::Created);
}

pub async fn a_pair_is_replaced_from_the_version_expected(world: World) {
    world.put(&key("nvr")).await;
    let first = RowVersion::first(NOW);
    let next = MachineCredential {
        held: pair("another id", "another secret"),
        updated_at: NOW + HOUR,
        version: first.next(),
        ..credential(&key("nvr"))
    };
    let replace = async |expected| {
        world.machine_credentials.replace_machine_credential(&next, expected, &record()).await.unwrap()
    };
    assert_eq!(replace(first.next()).await, ChangeOutcome::Stale);
    assert_eq!(replace(first).await, ChangeOutcome::Changed);
    let held = world.held(&key("nvr")).await.unwrap();
    assert_eq!((held.created_at, held.updated_at, held.version), (NOW, NOW + HOUR, first.next()));
    assert_eq!(halves(&held), [b"another id".as_slice(), b"another secret"]);
    assert_eq!(replace(first).await, ChangeOutcome::Stale, "once");
    let nobody = MachineCredential { key: key("nobody"), ..next.clone() };
    let absent = world.machine_credentials.replace_machine_credential(&nobody, first, &record()).await;
    assert_eq!(absent.unwrap(), ChangeOutcome::Absent);
}

pub async fn a_machine_credential_is_erased_with_its_version(world: World) {
    world.put(&key("nvr")).await;
    let version = RowVersion::first(NOW);
    assert_eq!(world.erase(&key("nvr"), Some(version.next())).await, ChangeOutcome::Stale);
    assert_eq!(world.erase(&key("nvr"), Some(version)).await, ChangeOutcome::Changed);
    assert!(world.held(&key("nvr")).await.is_none());
    assert_eq!(world.erase(&key("nvr"), None).await, ChangeOutcome::Absent);
    world.authorization(&key("nvr")).await;
}

pub async fn machine_credentials_of_other_tenants_are_out_of_sight(world: World) {
    world.add_tenant("globex").await;
    world.put(&key("nvr")).await;
    let theirs = key_of("globex", "nvr");
    assert!(world.held(&theirs).await.is_none());
    assert_eq!(world.erase(&theirs, None).await, ChangeOutcome::Absent);
    assert!(world.listed(&everything("globex")).await.is_empty());
    assert_eq!(world.put(&theirs).await, Outcome::Created);
    assert_eq!(world.erase(&theirs, None).await, ChangeOutcome::Changed);
    assert!(world.held(&key("nvr")).await.is_some());
}

pub async fn machine_credentials_are_listed_in_the_order_of_their_keys(world: World) {
    let keys = [key("ada"), key("bob"), key_at("acme", "other", "ada")];
    for key in keys.iter().rev() {
        assert_eq!(world.put(key).await, Outcome::Created);
    }
    assert_eq!(world.listed(&everything("acme")).await, keys);
    let first = MachineCredentialFilter { limit: 1, ..everything("acme") };
    assert_eq!(world.listed(&first).await, keys[..1]);
    let after = MachineCredentialFilter { after: Some(keys[0].clone()), ..everything("acme") };
    assert_eq!(world.listed(&after).await, keys[1..]);
    let user = MachineCredentialFilter { user: Some(keys[0].user.clone()), ..everything("acme") };
    assert_eq!(world.listed(&user).await, [keys[0].clone(), keys[2].clone()]);
    let provider = Some(keys[2].provider.clone());
    let other = MachineCredentialFilter { provider, ..everything("acme") };
    assert_eq!(world.listed(&other).await, keys[2..]);
}

pub async fn a_tenant_has_as_many_machine_credentials_as_grants(world: World) {
    world.add_tenant(SMALL).await;
    for user in ["one", "two"] {
        assert_eq!(world.put(&key_of(SMALL, user)).await, Outcome::Created);
    }
    assert!(matches!(world.put(&key_of(SMALL, "three")).await, Outcome::OverQuota(_)));
    world.erase(&key_of(SMALL, "one"), None).await;
    assert_eq!(world.put(&key_of(SMALL, "three")).await, Outcome::Created);
}

pub async fn a_deleted_tenant_has_no_machine_credentials(world: World) {
    world.put(&key("nvr")).await;
    world.begin_deletion().await;
    assert!(world.held(&key("nvr")).await.is_none());
    assert_eq!(world.put(&key("nvr")).await, Outcome::NoTenant);
}

pub async fn what_a_machine_credential_holds_is_resealed(world: World) {
    world.put(&key("nvr")).await;
    let (tenant, table) = (tenant_id("acme"), "machine_credentials");
    let under = world.sealed.sealed_under(&tenant, table, None, 10).await.unwrap();
    let ids: Vec<RowId> = under.into_iter().map(|under| under.row).collect();
    assert_eq!(ids.len(), 1);
    let row = world.sealed.sealed_row(&tenant, table, &ids[0]).await.unwrap().unwrap();
    for value in &row.values {
        assert_eq!(value.owner, MachineCredential::owner(&key("nvr")));
        assert_eq!(value.generation, RowVersion::first(NOW).get());
    }
    let anew = [b"id anew".to_vec(), b"secret anew".to_vec()];
    assert!(world.sealed.reseal(&tenant, &row, &anew).await.unwrap());
    assert!(!world.sealed.reseal(&tenant, &row, &anew).await.unwrap(), "it holds something else now");
    let held = world.held(&key("nvr")).await.unwrap();
    assert_eq!(halves(&held)[1], b"secret anew");
}
