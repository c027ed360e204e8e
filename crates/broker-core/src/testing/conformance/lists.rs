//! Pages of grants.

use crate::ports::GrantFilter;
use crate::{ConsentCause, GrantKey, Lifecycle, ProviderName, UserId};

use super::World;
use super::samples::{key, key_of, tenant_id};

fn everything() -> GrantFilter {
    GrantFilter {
        tenant: tenant_id("acme"),
        provider: None,
        user: None,
        registration: None,
        lifecycles: Vec::new(),
        after: None,
        limit: 100,
    }
}

async fn keys(world: &World, filter: &GrantFilter) -> Vec<GrantKey> {
    world.grants.list_grants(filter).await.unwrap().into_iter().map(|grant| grant.key).collect()
}

pub async fn pages_follow_the_order_of_keys(world: World) {
    world.add_tenant("globex").await;
    world.grant(&key_of("globex", "zoe")).await;
    let mut made = Vec::new();
    // Byte order, not that of a language.
    for user in ["b", "a", "B", "ä", "a b", "aa", "_"] {
        for account in ["default", "home"] {
            let mut key = key(user);
            key.account = crate::AccountLabel::new(account).unwrap();
            world.grant(&key).await;
            made.push(key);
        }
    }
    made.sort();
    let mut paged = Vec::new();
    let mut filter = GrantFilter { limit: 3, ..everything() };
    loop {
        let page = keys(&world, &filter).await;
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        filter.after = Some(last.clone());
        paged.extend(page);
    }
    assert_eq!(paged, made);
}

pub async fn filters_narrow_a_list(world: World) {
    for user in ["ada", "bob", "cy"] {
        world.grant(&key(user)).await;
    }
    world.grant_with_lifecycle(&key("bob"), Lifecycle::NeedsConsent(ConsentCause::Revoked)).await;
    world.grant_with_lifecycle(&key("cy"), Lifecycle::ConsentExpired).await;

    let any_cause = Lifecycle::NeedsConsent(ConsentCause::LostRotation);
    let cases: [(GrantFilter, &[&str]); 6] = [
        (GrantFilter { lifecycles: vec![Lifecycle::Active], ..everything() }, &["ada"]),
        (
            GrantFilter { lifecycles: vec![any_cause, Lifecycle::ConsentExpired], ..everything() },
            &["bob", "cy"],
        ),
        (GrantFilter { user: Some(UserId::new("cy").unwrap()), ..everything() }, &["cy"]),
        (GrantFilter { provider: Some(key("ada").provider), ..everything() }, &["ada", "bob", "cy"]),
        (GrantFilter { provider: Some(ProviderName::new("eagle-eye").unwrap()), ..everything() }, &[]),
        (GrantFilter { limit: 0, ..everything() }, &[]),
    ];
    for (filter, users) in cases {
        let found = keys(&world, &filter).await;
        assert_eq!(found, users.iter().map(|user| key(user)).collect::<Vec<_>>(), "{filter:?}");
    }
}

pub async fn a_page_may_start_beside_the_tenant(world: World) {
    world.grant(&key("ada")).await;
    for (tenant, found) in [("aaa", 1), ("zzz", 0)] {
        let filter = GrantFilter { after: Some(key_of(tenant, "zoe")), ..everything() };
        assert_eq!(keys(&world, &filter).await.len(), found);
    }
}
