//! What the records say: which thing a caller changed, in stable words.

use std::time::Duration;

use broker_core::ports::{GrantFilter, PauseTarget, RegistrationKey};
use broker_core::testing::conformance::actor;
use broker_core::{AddSecret, KeyKind, Principal, RegistrationId, SecretId};
use broker_crypto::ClientSecret;

use crate::world::{World, key, key_of, provider, tenant};

/// What callers did: the resource, or the user whose grant it was.
async fn told(world: &World) -> Vec<String> {
    let records = world.store().inbox_records().await.unwrap();
    let by_callers = records.into_iter().filter(|record| record.principal.is_some());
    let told = by_callers.map(|record| {
        assert_eq!((record.principal, record.action), (actor().principal, actor().action));
        let user = record.key.map(|key| format!("{}: ", key.user)).unwrap_or_default();
        user + &record.resource
    });
    told.collect()
}

#[tokio::test]
async fn a_consent_is_told_from_its_start_to_its_exchange() {
    let world = World::new().await;
    let started = world.start().await;
    world.broker.complete_authorization(&world.callback(&started), &actor()).await.unwrap();
    let again = format!("ada: authorizations/{}", started.id);
    let refused = world.start().await;
    let refusal = world.refusal(&refused);
    world.broker.complete_authorization(&refusal, &actor()).await.unwrap_err();
    let told = told(&world).await;
    assert_eq!(told[..2], ["tenants/acme".to_owned(), "registrations/p/main".to_owned()]);
    let denied = format!("ada: authorizations/{}", refused.id);
    assert_eq!(told[told.len() - 4..], [again.clone(), again, denied.clone(), denied + " denied"]);
}

#[tokio::test]
async fn what_operators_change_is_told_by_its_name() {
    let world = World::new().await;
    let before = told(&world).await.len();
    let main = || RegistrationKey {
        tenant: tenant(),
        provider: provider(),
        id: RegistrationId::new("main").unwrap(),
    };
    let client_secret = ClientSecret::new("another");
    let add = AddSecret { key: main(), client_secret, prefer: false, request: None };
    world.broker.add_secret(add, &actor()).await.unwrap();
    world.broker.retire_secret(&main(), SecretId::FIRST, None, &actor()).await.unwrap();
    let grace = Principal::new("dev:grace").unwrap();
    let minute = Duration::from_secs(60);
    for target in [PauseTarget::Tenant(tenant()), PauseTarget::Provider(provider())] {
        let note = String::new();
        world.broker.pause_refresh(target, minute, note, grace.clone(), &actor()).await.unwrap();
    }
    let rotation = world.broker.rotate_keys(KeyKind::Dek, None, None, &actor()).await.unwrap();
    let expected = [
        "registrations/p/main/secrets/2".to_owned(),
        "registrations/p/main/secrets/1".to_owned(),
        "pauses/tenants/acme".to_owned(),
        "pauses/providers/p".to_owned(),
        format!("key_rotations/{} dek", rotation.id),
    ];
    assert_eq!(told(&world).await.split_off(before), expected);
}

#[tokio::test]
async fn revocations_and_deletions_are_told_grant_by_grant() {
    let world = World::new().await;
    world.consent_of(&key_of("bob")).await;
    let before = told(&world).await.len();
    world.broker.revoke_grant(&key(), &actor()).await.unwrap();
    let filter = GrantFilter {
        tenant: tenant(),
        provider: Some(provider()),
        user: None,
        registration: None,
        lifecycles: vec![],
        after: None,
        limit: 0,
    };
    world.broker.revoke_grants(&filter, false, &actor()).await.unwrap();
    world.broker.delete_tenant(&tenant(), None, &actor()).await.unwrap();
    let expected =
        ["ada: ", "bob: grants states=active,needs_consent,consent_expired provider=p", "tenants/acme"];
    assert_eq!(told(&world).await.split_off(before), expected);
}
