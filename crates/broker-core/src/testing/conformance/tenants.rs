//! Tenants and their keys.

use broker_crypto::{DekId, KekId, KeyPurpose, WrappedDek, service_envelope};

use super::World;
use super::samples::{HOUR, NOW, record, tenant, tenant_id};
use crate::Tenant;
use crate::ports::{ChangeOutcome, CreateOutcome, TenantChange};

pub async fn a_tenant_is_created_once_with_its_keys_in_order(world: World) {
    let key = |n: u8, purpose| WrappedDek {
        id: DekId::from_bytes(&[n; 16]).unwrap(),
        purpose,
        envelope: service_envelope(&KekId::new("kek").unwrap(), &n.to_string()),
    };
    let given = Tenant {
        display_name: "Globex Corporation".to_owned(),
        keys: vec![key(3, KeyPurpose::Access), key(1, KeyPurpose::Rotation), key(2, KeyPurpose::Access)],
        ..tenant("globex")
    };
    assert_eq!(world.tenants.create_tenant(&given, None, &record()).await.unwrap(), CreateOutcome::Created);
    let second = Tenant { display_name: "Other".to_owned(), keys: Vec::new(), ..given.clone() };
    assert_eq!(world.tenants.create_tenant(&second, None, &record()).await.unwrap(), CreateOutcome::Taken);
    let kept = world.tenants.tenant(&given.id).await.unwrap().unwrap();
    assert_eq!((kept.display_name, kept.created_at), (given.display_name, NOW));
    assert_eq!((kept.updated_at, kept.version), (NOW, given.version));
    let facts =
        |keys: &[WrappedDek]| keys.iter().map(|k| (k.id, k.purpose, k.envelope.clone())).collect::<Vec<_>>();
    assert_eq!(facts(&kept.keys), facts(&given.keys));
    assert!(world.tenants.tenant(&tenant_id("nobody")).await.unwrap().is_none());
}

pub async fn tenants_are_listed_page_by_page_in_the_order_of_their_ids(world: World) {
    for name in ["globex", "initech", "abc", "a.b"] {
        world.add_tenant(name).await;
    }
    let mut listed: Vec<String> = Vec::new();
    loop {
        let after = listed.last().map(|last| tenant_id(last));
        let page = world.tenants.list_tenants(after.as_ref(), 2).await.unwrap();
        assert!(page.len() <= 2);
        if page.is_empty() {
            break;
        }
        listed.extend(page.into_iter().map(|tenant| tenant.id.to_string()));
    }
    // Byte order, not that of a language.
    assert_eq!(listed, ["a.b", "abc", "acme", "globex", "initech"]);
}

pub async fn a_tenant_is_changed_only_in_the_version_that_was_seen(world: World) {
    let before = world.tenants.tenant(&tenant_id("acme")).await.unwrap().unwrap();
    let change = TenantChange {
        id: before.id.clone(),
        display_name: "Acme Ltd".to_owned(),
        expected: Some(before.version),
        at: NOW + HOUR,
    };
    assert_eq!(world.tenants.update_tenant(&change, &record()).await.unwrap(), ChangeOutcome::Changed);
    let after = world.tenants.tenant(&before.id).await.unwrap().unwrap();
    assert_eq!((after.display_name.as_str(), after.updated_at), ("Acme Ltd", NOW + HOUR));
    assert_eq!((after.created_at, after.version), (before.created_at, before.version.next()));

    assert_eq!(world.tenants.update_tenant(&change, &record()).await.unwrap(), ChangeOutcome::Stale);
    let whatever_is_there = TenantChange { expected: None, ..change.clone() };
    assert_eq!(
        world.tenants.update_tenant(&whatever_is_there, &record()).await.unwrap(),
        ChangeOutcome::Changed
    );
    let nobody = TenantChange { id: tenant_id("nobody"), expected: None, ..change };
    assert_eq!(world.tenants.update_tenant(&nobody, &record()).await.unwrap(), ChangeOutcome::Absent);
}
