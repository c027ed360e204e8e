//! Tokens that are kept, and replaced as soon as there are newer ones.

use std::sync::Arc;

use broker_e2e::{House, Provider};

use super::{GET, Service, WATCH, api_status};

#[tokio::test]
async fn a_token_is_asked_for_once_and_kept() {
    let house = House::open().await;
    let service = Service::of(&house);
    for (provider, asked) in Provider::ALL.into_iter().zip(1..) {
        let key = house.consent(provider, "ada").await;
        let token = service.token(&house, &key).await;
        assert_eq!((token.generation(), token.token_type()), (1, "Bearer"));
        assert_eq!(api_status(&house, provider, &token).await, 200);
        for _ in 0..10 {
            assert!(Arc::ptr_eq(&token, &service.tokens.token(&key).await.unwrap()));
        }
        assert_eq!(service.calls.of(GET), asked);
    }
    house.close().await;
}

#[tokio::test]
async fn a_rotation_is_pushed_and_nobody_asks_for_it() {
    let house = House::open().await;
    let service = Service::of(&house);
    let key = house.consent(Provider::Evercam, "ada").await;
    service.token(&house, &key).await;
    service.until_watched(&key).await;
    for generation in 2..5 {
        house.client.refresh(&key).await.unwrap();
        service.until_generation(&key, generation).await;
        let token = service.token(&house, &key).await;
        assert_eq!(api_status(&house, Provider::Evercam, &token).await, 200);
    }
    assert_eq!((service.calls.of(GET), service.calls.of(WATCH)), (1, 1));
    house.close().await;
}

#[tokio::test]
async fn where_a_rotation_kills_the_old_token_it_is_replaced_all_the_same() {
    let house = House::open().await;
    let service = Service::of(&house);
    let key = house.consent(Provider::EagleEye, "ada").await;
    let old = service.token(&house, &key).await;
    service.until_watched(&key).await;
    house.client.refresh(&key).await.unwrap();
    service.until_generation(&key, 2).await;
    let new = service.token(&house, &key).await;
    assert_eq!(api_status(&house, Provider::EagleEye, &old).await, 401);
    assert_eq!(api_status(&house, Provider::EagleEye, &new).await, 200);
    assert_eq!(service.calls.of(WATCH), 1);
    house.close().await;
}

#[tokio::test]
async fn one_stream_watches_all_that_is_used() {
    let house = House::open().await;
    let service = Service::of(&house);
    let mut keys = Vec::new();
    for provider in Provider::ALL {
        for user in ["ada", "bob"] {
            keys.push(house.consent(provider, user).await);
            service.token(&house, keys.last().unwrap()).await;
            service.until_watched(keys.last().unwrap()).await;
        }
    }
    for key in &keys {
        house.client.refresh(key).await.unwrap();
        service.until_generation(key, 2).await;
    }
    // A new key makes a new stream of all, and the one before ends.
    assert_eq!(service.calls.of(WATCH), keys.len());
    house.close().await;
}
