//! Lists and what is due.

use broker_core::ports::{DueGrant, GrantFilter, GrantStore};
use broker_core::{ConsentCause, Generation, GrantKey, Lifecycle, ProviderName, UserId};

use crate::world::{HOUR, NOW, World, key, key_of, tenant_id};

crate::on_every_store!(
    pages_follow_the_order_of_keys,
    filters_narrow_a_list,
    a_page_may_start_beside_the_tenant,
    what_is_due_comes_earliest_first,
    a_grant_is_postponed_only_if_nothing_has_moved_it,
);

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
    world.store.list_grants(filter).await.unwrap().into_iter().map(|grant| grant.key).collect()
}

async fn pages_follow_the_order_of_keys(world: World) {
    world.add_tenant("globex").await;
    world.grant(&key_of("globex", "zoe")).await;
    let mut made = Vec::new();
    // Byte order, not that of a language.
    for user in ["b", "a", "B", "ä", "a b", "aa", "_"] {
        for account in ["default", "home"] {
            let mut key = key(user);
            key.account = broker_core::AccountLabel::new(account).unwrap();
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

async fn filters_narrow_a_list(world: World) {
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

async fn a_page_may_start_beside_the_tenant(world: World) {
    world.grant(&key("ada")).await;
    for (tenant, found) in [("aaa", 1), ("zzz", 0)] {
        let filter = GrantFilter { after: Some(key_of(tenant, "zoe")), ..everything() };
        assert_eq!(keys(&world, &filter).await.len(), found);
    }
}

async fn what_is_due_comes_earliest_first(world: World) {
    for (user, minutes) in [("ada", 30), ("bob", 10), ("cy", 20), ("dan", 40)] {
        world.grant(&key(user)).await;
        let claim = world.claim_of(&key(user), 1);
        let hold_until = NOW + HOUR * minutes / 60;
        world.store.claim_refresh(&broker_core::ports::RefreshClaim { hold_until, ..claim }).await.unwrap();
    }
    let due = async |limit| {
        let due = world.store.due_grants(NOW + HOUR / 2, limit).await.unwrap();
        assert!(due.iter().all(|grant| grant.generation.get() == 1));
        due.into_iter().map(|grant| grant.key.user.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(due(10).await, ["bob", "cy", "ada"]);
    assert_eq!(due(2).await, ["bob", "cy"]);
}

async fn a_grant_is_postponed_only_if_nothing_has_moved_it(world: World) {
    let grant = world.grant(&key("ada")).await;
    let at = grant.due_at.unwrap();
    let due = world.store.due_grants(at, 1).await.unwrap().remove(0);
    assert_eq!((due.due_at, due.undecided), (at, false));
    let elsewhere = DueGrant { key: key_of("globex", "ada"), ..due.clone() };
    let other_generation = DueGrant { generation: Generation::new(2), ..due.clone() };
    for stranger in [elsewhere, other_generation] {
        world.store.postpone(&stranger, at + HOUR).await.unwrap();
        assert_eq!(world.read(&grant.key).await.due_at, Some(at));
    }
    world.store.postpone(&due, at + HOUR).await.unwrap();
    assert_eq!(world.read(&grant.key).await.due_at, Some(at + HOUR));
    world.store.postpone(&due, at + 2 * HOUR).await.unwrap();
    assert_eq!(world.read(&grant.key).await.due_at, Some(at + HOUR), "somebody has moved it since");
}
