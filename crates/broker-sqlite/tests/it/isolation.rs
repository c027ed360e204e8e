//! Another tenant's key finds nothing and changes nothing.

use broker_core::ports::{
    Adoption, AttemptEnd, ClaimOutcome, ConsentStore, GrantFilter, GrantStore, Lineage, TenantStore,
};
use broker_core::{Attempt, AuthorizationStatus, Generation, Phase};

use crate::world::{NOW, World, after, key, key_of, provider, registration_id, tenant_id, tokens};

crate::on_every_store!(reads_find_nothing, writes_change_nothing);

fn of_globex(attempt: &Attempt) -> Attempt {
    let mut forged = attempt.clone();
    forged.key.tenant = tenant_id("globex");
    forged
}

async fn reads_find_nothing(world: World) {
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let authorization = world.authorization(&key("ada")).await;
    let (store, other) = (&world.store, tenant_id("globex"));
    assert!(store.vendable(&key_of("globex", "ada")).await.unwrap().is_none());
    assert!(store.attempt(&other, attempt.id).await.unwrap().is_none());
    assert!(store.authorization(&other, authorization.id).await.unwrap().is_none());
    assert!(store.authorization_by_state(&other, &authorization.state_digest).await.unwrap().is_none());
    assert!(store.registration(&other, &provider(), &registration_id()).await.unwrap().is_none());
    assert!(store.first_registration(&other, &provider()).await.unwrap().is_none());
    assert!(store.tenant(&other).await.unwrap().is_none());
    let filter = GrantFilter {
        tenant: other,
        provider: None,
        user: None,
        registration: None,
        lifecycles: Vec::new(),
        after: None,
        limit: 10,
    };
    assert_eq!(store.list_grants(&filter).await.unwrap(), []);
}

async fn writes_change_nothing(world: World) {
    world.add_tenant("globex").await;
    world.grant(&key("ada")).await;
    let attempt = world.claim(&key("ada"), 1).await.attempt;
    let authorization = world.authorization(&key("ada")).await;
    let before = world.read(&key("ada")).await;
    let store = &world.store;

    assert!(matches!(world.try_claim(&key_of("globex", "ada"), 1).await, ClaimOutcome::Absent));
    let mut exchange = world.exchange_of(&authorization);
    exchange.tenant = tenant_id("globex");
    assert_eq!(store.claim_exchange(&exchange).await.unwrap(), None);
    assert!(
        !store
            .end_authorization(&tenant_id("globex"), authorization.id, AuthorizationStatus::Denied, NOW)
            .await
            .unwrap()
    );
    assert!(!store.mark_sent(&of_globex(&attempt), NOW).await.unwrap());
    let end = AttemptEnd {
        attempt: of_globex(&attempt),
        conclusion: "test",
        grant: Some(after(Phase::Suspect, true)),
        authorization_failure: None,
        at: NOW,
    };
    assert!(!store.close_attempt(&end).await.unwrap());
    let adoption = Adoption {
        attempt: of_globex(&attempt),
        lineage: Lineage::Present,
        base: Generation::new(1),
        tokens: tokens(2, true),
        at: NOW,
    };
    store.adopt(&adoption).await.expect_err("globex has no such attempt");

    assert_eq!(world.read(&key("ada")).await, before);
    assert_eq!(store.attempt(&key("ada").tenant, attempt.id).await.unwrap(), Some(attempt));
    let kept = store.authorization(&key("ada").tenant, authorization.id).await.unwrap().unwrap();
    assert_eq!(kept.status, AuthorizationStatus::Pending);
}
