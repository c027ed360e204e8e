//! Tenants, keys and registrations.

use crate::Tenant;
use crate::ports::StoreError;
use broker_crypto::{DekId, KekId, KeyPurpose, WrappedDek, service_envelope};

use super::World;
use super::samples::{HOUR, NOW, provider, registration, registration_id, tenant_id};

pub async fn a_tenant_is_created_once_with_its_keys_in_order(world: World) {
    let key = |n: u8, purpose| WrappedDek {
        id: DekId::from_bytes(&[n; 16]).unwrap(),
        purpose,
        envelope: service_envelope(&KekId::new("kek").unwrap(), &n.to_string()),
    };
    let tenant = Tenant {
        id: tenant_id("globex"),
        display_name: "Globex Corporation".to_owned(),
        keys: vec![key(3, KeyPurpose::Access), key(1, KeyPurpose::Rotation), key(2, KeyPurpose::Access)],
        created_at: NOW,
    };
    assert!(world.tenants.create_tenant(&tenant).await.unwrap());
    let second = Tenant { display_name: "Other".to_owned(), keys: Vec::new(), ..tenant.clone() };
    assert!(!world.tenants.create_tenant(&second).await.unwrap());
    let kept = world.tenants.tenant(&tenant.id).await.unwrap().unwrap();
    assert_eq!((kept.display_name, kept.created_at), (tenant.display_name, NOW));
    let facts =
        |keys: &[WrappedDek]| keys.iter().map(|k| (k.id, k.purpose, k.envelope.clone())).collect::<Vec<_>>();
    assert_eq!(facts(&kept.keys), facts(&tenant.keys));
    assert!(world.tenants.tenant(&tenant_id("nobody")).await.unwrap().is_none());
}

pub async fn a_registration_is_created_once_and_kept_whole(world: World) {
    let given = registration("acme", "main", NOW);
    assert!(!world.tenants.create_registration(&given).await.unwrap(), "the world has made it");
    let kept = world
        .tenants
        .registration(&tenant_id("acme"), &provider(), &registration_id())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((kept.client_id, kept.redirect_uri), (given.client_id, given.redirect_uri));
    assert_eq!((kept.scopes, kept.return_to), (given.scopes, given.return_to));
    assert_eq!(kept.client_secret.unwrap().as_bytes(), given.client_secret.unwrap().as_bytes());

    let public = crate::ClientRegistration {
        client_secret: None,
        scopes: Vec::new(),
        ..registration("acme", "public", NOW)
    };
    assert!(world.tenants.create_registration(&public).await.unwrap());
    let kept =
        world.tenants.registration(&public.tenant, &public.provider, &public.id).await.unwrap().unwrap();
    assert!(kept.client_secret.is_none() && kept.scopes.is_empty());
}

pub async fn the_first_registration_is_used(world: World) {
    let first = async || {
        let found = world.tenants.first_registration(&tenant_id("acme"), &provider()).await.unwrap();
        found.unwrap().id.as_str().to_owned()
    };
    for (id, created_at, first_then) in [
        ("later", NOW + HOUR, "main"),
        ("earlier", NOW - HOUR, "earlier"),
        ("a-same-time", NOW - HOUR, "earlier"),
    ] {
        world.tenants.create_registration(&registration("acme", id, created_at)).await.unwrap();
        assert_eq!(first().await, first_then);
    }
}

pub async fn a_registration_needs_its_tenant(world: World) {
    let refused = world.tenants.create_registration(&registration("nobody", "main", NOW)).await.unwrap_err();
    assert!(matches!(refused, StoreError::Inconsistent(_)), "{refused:?}");
}
