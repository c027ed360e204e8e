//! Where the broker decides that there is no token, a kept one is not served either.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::client::TokenError;
use broker_proto::v1::{GrantKey, GrantState, Reason, RevokeGrantRequest};
use tonic::Code;

use super::{GET, Service, WATCH, api_status, until};

async fn revoke(house: &House, key: &GrantKey) {
    read(house.client.consents().revoke_grant(RevokeGrantRequest { key: Some(key.clone()) }).await).unwrap();
}

type Told<'a> = (Code, Option<Reason>, Option<&'a str>);

const REVOKED: Told<'_> = (Code::FailedPrecondition, Some(Reason::ConsentRequired), Some("REVOKED"));

/// The code, the reason and its cause.
fn told(error: &TokenError) -> Told<'_> {
    let broker = error.broker().expect("the broker says so");
    (broker.code(), broker.reason(), broker.metadata("cause"))
}

#[tokio::test]
async fn a_revoked_grant_is_an_error_until_the_user_consents_anew() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let service = Service::of(&house);
        let key = house.consent(provider, "ada").await;
        service.token(&house, &key).await;
        service.until_watched(&key).await;

        revoke(&house, &key).await;
        until("the end of the kept token", async || service.tokens.token(&key).await.is_err()).await;
        for _ in 0..3 {
            let error = service.tokens.token(&key).await.unwrap_err();
            assert_eq!(told(&error), REVOKED, "{error}");
        }
        let state = service.tokens.grant_state(&key).unwrap().state();
        assert!(matches!(state, GrantState::Revoking | GrantState::Revoked), "{state:?}");

        house.consent(provider, "ada").await;
        let token = service.token(&house, &key).await;
        assert!(token.generation() > 1, "{token:?}");
        assert_eq!(api_status(&house, provider, &token).await, 200);
        house.close().await;
    }
}

#[tokio::test]
async fn without_a_stream_a_refusal_ends_a_token_that_still_lives() {
    let house = House::open().await;
    let service = Service::without_stream(&house);
    let key = house.consent(Provider::Evercam, "ada").await;
    service.token(&house, &key).await;
    revoke(&house, &key).await;
    let is_revoked = async || house.client.grant(&key).await.unwrap().state() == GrantState::Revoked;
    until("the end of the grant", is_revoked).await;

    house.clock.advance(Provider::Evercam.token_life() - Duration::from_secs(30));
    let error = service.tokens.token(&key).await.unwrap_err();
    assert_eq!(told(&error), REVOKED, "{error}");
    assert_eq!(service.calls.of(WATCH), 0);
    house.close().await;
}

#[tokio::test]
async fn a_key_without_a_grant_disturbs_no_other() {
    let house = House::open().await;
    let service = Service::of(&house);
    let key = house.consent(Provider::Evercam, "ada").await;
    service.token(&house, &key).await;
    let nobody = house.key(Provider::Evercam, "nobody");
    let error = service.tokens.token(&nobody).await.unwrap_err();
    assert_eq!(told(&error), (Code::NotFound, Some(Reason::GrantNotFound), None), "{error}");
    service.until_watched(&key).await;
    let asked = service.calls.of(GET);

    house.client.refresh(&key).await.unwrap();
    service.until_generation(&key, 2).await;
    assert_eq!(service.calls.of(GET), asked);
    assert!(service.tokens.token(&nobody).await.is_err());
    assert_eq!(service.calls.of(GET), asked + 1, "a refusal is not kept");
    house.close().await;
}
