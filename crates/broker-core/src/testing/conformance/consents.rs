//! Authorization requests: used once, in time.

use std::sync::Arc;

use crate::AuthorizationStatus;
use crate::ports::ExchangeClaim;

use super::World;
use super::samples::{HOUR, key, record};

pub async fn an_authorization_is_kept_and_found_by_id_and_state(world: World) {
    let started = world.authorization(&key("ada")).await;
    let tenant = &key("ada").tenant;
    for found in [
        world.consents.authorization(tenant, started.id).await.unwrap().unwrap(),
        world.consents.authorization_by_state(tenant, &started.state_digest).await.unwrap().unwrap(),
    ] {
        assert_eq!((found.id, &found.key, found.lineage), (started.id, &started.key, started.lineage));
        assert_eq!((&found.scopes, &found.redirect_uri), (&started.scopes, &started.redirect_uri));
        assert_eq!(found.verifier.as_bytes(), started.verifier.as_bytes());
        assert_eq!((found.status, found.expires_at), (AuthorizationStatus::Pending, started.expires_at));
    }
    assert!(world.consents.authorization_by_state(tenant, &[0; 32]).await.unwrap().is_none());
}

pub async fn a_state_is_used_once(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    let world = Arc::new(world);
    let mut claims = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (world, claim) = (world.clone(), world.exchange_of(&authorization));
        claims.spawn(async move { world.grants.claim_exchange(&claim).await.unwrap().attempt() });
    }
    let granted: Vec<_> = claims.join_all().await.into_iter().flatten().collect();
    assert_eq!(granted.len(), 1);
    assert_eq!(granted[0].lineage, authorization.lineage);
    assert_eq!(world.status_of(authorization.id).await, AuthorizationStatus::Exchanging);
}

pub async fn a_late_state_is_not_used(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    let claim = ExchangeClaim { at: authorization.expires_at, ..world.exchange_of(&authorization) };
    assert_eq!(world.grants.claim_exchange(&claim).await.unwrap().attempt(), None);
    let in_time = ExchangeClaim { at: authorization.expires_at - HOUR / 3600, ..claim };
    assert!(world.grants.claim_exchange(&in_time).await.unwrap().attempt().is_some());
}

pub async fn a_denied_authorization_is_not_used(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    let (tenant, id, at) = (&key("ada").tenant, authorization.id, authorization.created_at);
    assert!(
        world
            .consents
            .end_authorization(tenant, id, AuthorizationStatus::Denied, at, &record())
            .await
            .unwrap()
    );
    assert!(
        !world
            .consents
            .end_authorization(tenant, id, AuthorizationStatus::Denied, at, &record())
            .await
            .unwrap()
    );
    assert_eq!(
        world.grants.claim_exchange(&world.exchange_of(&authorization)).await.unwrap().attempt(),
        None
    );

    let used = world.exchange(&key("ada")).await.1;
    assert!(
        !world
            .consents
            .end_authorization(tenant, used, AuthorizationStatus::Denied, at, &record())
            .await
            .unwrap(),
        "it was used before"
    );
}

pub async fn two_authorizations_never_share_a_state(world: World) {
    let first = world.authorization(&key("ada")).await;
    let mut second = first.clone();
    second.id = crate::AuthorizationId::from_bytes([3; 16]);
    world.consents.start_authorization(&second, &record()).await.expect_err("the state is taken");
}
