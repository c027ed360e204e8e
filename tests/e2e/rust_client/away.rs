//! The broker goes away, and comes back where it was.

use std::time::Duration;

use broker_e2e::{House, Provider};
use tonic::Code;

use super::{GET, Service, WATCH, api_status, until};
use crate::BINARY;

#[tokio::test]
async fn a_killed_broker_is_not_missed_and_tells_again_once_it_is_back() {
    let mut house = House::plan().child(BINARY).open().await;
    house.stay();
    let service = Service::of_child(&house);
    let key = house.consent(Provider::Evercam, "ada").await;
    service.token(&house, &key).await;
    service.until_watched(&key).await;

    house.kill().await;
    until("another try", async || service.calls.of(WATCH) > 2).await;
    let token = service.token(&house, &key).await;
    assert_eq!(api_status(&house, Provider::Evercam, &token).await, 200);

    house.restart().await;
    house.client.refresh(&key).await.unwrap();
    service.until_generation(&key, 2).await;
    assert_eq!(service.calls.of(GET), 1, "what was rotated is told, not asked for");
    house.close().await;
}

#[tokio::test]
async fn a_token_is_served_without_a_broker_until_it_expires() {
    for provider in Provider::ALL {
        let mut house = House::open().await;
        house.stay();
        let service = Service::of(&house);
        let key = house.consent(provider, "ada").await;
        service.token(&house, &key).await;
        service.until_watched(&key).await;

        house.stop().await;
        house.clock.advance(provider.token_life() - Duration::from_secs(2));
        assert_eq!(service.token(&house, &key).await.generation(), 1);
        assert!(service.calls.of(GET) > 1, "the broker was looked for");
        house.clock.advance(Duration::from_secs(2));
        let error = service.tokens.token(&key).await.unwrap_err();
        assert_eq!(error.broker().unwrap().code(), Code::Unavailable, "{error}");

        house.restart().await;
        service.until_generation(&key, 2).await;
        let token = service.token(&house, &key).await;
        assert_eq!(api_status(&house, provider, &token).await, 200);
        house.client.refresh(&key).await.unwrap();
        service.until_generation(&key, 3).await;
        house.close().await;
    }
}
