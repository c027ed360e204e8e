//! Creating, listing and deleting policies.

use broker_core::testing::conformance::actor;
use broker_core::{
    AccessAction, AccessRule, ActionSet, BrokerError, NewAccessPolicy, PolicyFilter, ProviderName, Reach,
    RequestId, TenantId,
};

use super::world::{World, only_acme, rule, scopes, settings};

fn at_evercam(rule: AccessRule) -> AccessRule {
    AccessRule { provider: Reach::One(ProviderName::new("evercam").unwrap()), ..rule }
}

#[tokio::test]
async fn nobody_grants_more_than_they_administer() {
    let reader = scopes(&["live", "cameras:read"]);
    let vend_only =
        AccessRule { actions: ActionSet::new([AccessAction::Vend]).unwrap(), ..rule("acme-vendor") };
    let world = World::with(settings(vec![
        only_acme(rule("acme-admin")),
        only_acme(at_evercam(rule("evercam-admin"))),
        AccessRule { max_scopes: reader.clone(), ..rule("reader-admin") },
        vend_only,
    ]))
    .await;
    let for_acme = || only_acme(rule("jwt:new"));
    for (who, rule, granted) in [
        ("acme-admin", rule("jwt:new"), false),
        (
            "acme-admin",
            AccessRule { tenant: Reach::One(TenantId::new("globex").unwrap()), ..for_acme() },
            false,
        ),
        ("acme-admin", for_acme(), true),
        ("acme-admin", at_evercam(for_acme()), true),
        ("evercam-admin", only_acme(rule("jwt:new")), false),
        ("evercam-admin", at_evercam(only_acme(rule("jwt:other"))), true),
        ("reader-admin", only_acme(rule("jwt:new")), false),
        ("reader-admin", AccessRule { max_scopes: scopes(&["live", "write"]), ..rule("jwt:new") }, false),
        ("reader-admin", AccessRule { max_scopes: scopes(&["live"]), ..rule("jwt:new") }, true),
        ("reader-admin", AccessRule { max_scopes: reader.clone(), ..rule("jwt:new") }, true),
        ("acme-vendor", at_evercam(for_acme()), false),
        ("stranger", at_evercam(for_acme()), false),
    ] {
        let created = world.create_as(who, rule.clone()).await;
        match granted {
            true => drop(created.unwrap()),
            false => assert!(matches!(created, Err(BrokerError::AccessDenied)), "{who} {rule:?}"),
        }
    }
}

#[tokio::test]
async fn a_policy_that_stands_is_not_created_again_wherever_it_stands() {
    let world = World::new().await;
    world.create(rule("jwt:ci")).await;
    for standing in ["jwt:ci", "operator"] {
        let again = world.create_as("operator", rule(standing)).await;
        assert!(matches!(again, Err(BrokerError::AlreadyExists("access policy"))), "{again:?}");
    }
}

#[tokio::test]
async fn a_repeated_request_answers_the_same_policy() {
    let world = World::new().await;
    let permit = world.administer_somewhere("operator").unwrap();
    let create = async |name: &str| {
        let request = Some(RequestId::from_bytes([7; 16]));
        let new = NewAccessPolicy { rule: rule(name), description: name.to_owned(), request };
        world.access.create_policy(new, &permit, &actor()).await
    };
    let first = create("jwt:ci").await.unwrap();
    assert_eq!(create("jwt:ci").await.unwrap(), first);
    let Err(BrokerError::InvalidRequest(violations)) = create("jwt:cd").await else { panic!("created") };
    assert_eq!(violations[0].field, "request_id");
}

#[tokio::test]
async fn what_one_does_not_administer_looks_absent() {
    let world = World::with(settings(vec![rule("operator"), only_acme(rule("acme-admin"))])).await;
    let (theirs, own) = (world.create(rule("jwt:ci")).await, world.create(only_acme(rule("jwt:cd"))).await);
    let absent = broker_core::PolicyId::from_bytes([1; 16]);
    for (who, id) in [("acme-admin", theirs.id), ("acme-admin", absent), ("operator", absent)] {
        let deleted = world.delete_as(who, id).await;
        assert!(matches!(deleted, Err(BrokerError::ResourceNotFound("access policy"))), "{who} {deleted:?}");
    }
    assert_eq!(world.delete_as("acme-admin", own.id).await.unwrap(), own);
    assert!(matches!(world.delete_as("stranger", theirs.id).await, Err(BrokerError::AccessDenied)));
}

#[tokio::test]
async fn a_policy_of_the_configuration_cannot_be_deleted() {
    let world = World::new().await;
    let configured = world.access.policies().policies().next().unwrap().id;
    let deleted = world.delete_as("operator", configured).await;
    assert!(matches!(deleted, Err(BrokerError::ResourceInUse(_))), "{deleted:?}");
    assert!(world.may("operator", AccessAction::Vend));
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let world = World::new().await;
    let another = world.another();
    for name in ["jwt:ci", "jwt:*", "jwt:ci:nightly"] {
        another.create(rule(name)).await;
        another.create(only_acme(rule(name))).await;
    }
    let all = PolicyFilter { tenant: Reach::All, principal: None, after: None, limit: 100 };
    let list = async |filter: &PolicyFilter| world.access.list_policies(filter).await.unwrap();
    let whole = list(&all).await;
    assert_eq!(whole.len(), 7, "those of another replica at once, and the configured one");
    assert!(whole.is_sorted_by_key(|policy| policy.id));

    let mut paged = Vec::new();
    let mut filter = PolicyFilter { limit: 3, ..all.clone() };
    loop {
        let page = list(&filter).await;
        let Some(last) = page.last() else { break };
        filter.after = Some(last.id);
        paged.extend(page);
    }
    assert_eq!(paged, whole);

    let globex = Reach::One(TenantId::new("globex").unwrap());
    for (filter, count) in [
        (PolicyFilter { tenant: globex.clone(), ..all.clone() }, 4),
        (PolicyFilter { tenant: Reach::One(TenantId::new("acme").unwrap()), ..all.clone() }, 7),
        (PolicyFilter { principal: Some("jwt:ci".to_owned()), ..all.clone() }, 4),
        (PolicyFilter { principal: Some("jwt:*".to_owned()), ..all.clone() }, 2),
        (PolicyFilter { principal: Some("operator".to_owned()), tenant: globex, ..all.clone() }, 1),
        (PolicyFilter { principal: Some("nobody".to_owned()), ..all.clone() }, 0),
    ] {
        assert_eq!(list(&filter).await.len(), count, "{filter:?}");
    }
}
