//! Callbacks that are not accepted, and what becomes of their authorization.

use std::time::Duration;

use broker_e2e::{Answer, House, Provider};
use broker_proto::v1::{AuthorizationState, Grant, GrantKey, Reason};
use provider_sim::Endpoint;
use tonic::Code;

use super::{bad_fields, refused};

#[track_caller]
fn problem(answer: Answer<Grant>) -> String {
    let error = refused(answer, Code::FailedPrecondition, Reason::AuthorizationInvalid);
    error.metadata("problem").unwrap().to_owned()
}

async fn state(house: &House, id: &str) -> AuthorizationState {
    house.client.authorization("acme", id).await.unwrap().state()
}

fn exchanges(house: &House, provider: Provider) -> usize {
    house.simulator(provider).journal().count(|entry| entry.endpoint == Endpoint::Exchange)
}

#[tokio::test]
async fn a_callback_is_accepted_for_ten_minutes() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let (started, callback) = house.approve(&key).await;
        assert_eq!(started.expire_time.unwrap().seconds, house.clock.seconds() + 600);
        assert_eq!(state(&house, &started.authorization_id).await, AuthorizationState::Pending);

        house.clock.advance(Duration::from_secs(11 * 60));

        assert_eq!(problem(house.client.complete(&key, &callback).await), "EXPIRED");
        assert_eq!(state(&house, &started.authorization_id).await, AuthorizationState::Expired);
        assert_eq!(exchanges(&house, provider), 0);
        house.close().await;
    }
}

#[tokio::test]
async fn a_state_is_used_once() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let (started, callback) = house.approve(&key).await;
        let grant = house.client.complete(&key, &callback).await.unwrap();

        assert_eq!(problem(house.client.complete(&key, &callback).await), "ALREADY_USED");

        let authorization = house.client.authorization("acme", &started.authorization_id).await.unwrap();
        assert_eq!(authorization.state(), AuthorizationState::Completed);
        assert_eq!(authorization.grant_id, grant.grant_id);
        assert_eq!(exchanges(&house, provider), 1);
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        house.close().await;
    }
}

#[tokio::test]
async fn a_wrong_callback_does_not_use_the_state_up() {
    let house = House::open().await;
    let provider = Provider::Evercam;
    let key = house.key(provider, "ada");
    let (_, callback) = house.approve(&key).await;
    let other_user = GrantKey { user_id: "mallory".to_owned(), ..key.clone() };
    let other_tenant = GrantKey { tenant_id: "rival".to_owned(), ..key.clone() };
    house.client.create_tenant("rival").await.unwrap();
    let elsewhere = callback.replace("/callback?", "/elsewhere?");
    let forged = format!("{}&state=forged-by-somebody", callback.split("&state=").next().unwrap());

    assert_eq!(problem(house.client.complete(&other_user, &callback).await), "WRONG_USER");
    assert_eq!(problem(house.client.complete(&other_tenant, &callback).await), "UNKNOWN_STATE");
    assert_eq!(problem(house.client.complete(&key, &elsewhere).await), "WRONG_REDIRECT_URI");
    assert_eq!(problem(house.client.complete(&key, &forged).await), "UNKNOWN_STATE");
    for text in ["", "no url", "http://localhost:3333/callback", "http://localhost:3333/callback?code=c"] {
        assert_eq!(bad_fields(house.client.complete(&key, text).await), ["callback_url"], "{text}");
    }
    let twice = format!("{callback}&code=another-code-beside-it");
    assert_eq!(bad_fields(house.client.complete(&key, &twice).await), ["callback_url"]);

    assert_eq!(exchanges(&house, provider), 0);
    assert_eq!(house.client.complete(&key, &callback).await.unwrap().generation, 1);
    house.close().await;
}

#[tokio::test]
async fn a_user_may_refuse() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let started = house.client.start(&key).await.unwrap();
        let callback = provider.person().deny(&started.authorization_url).await.unwrap();

        assert_eq!(problem(house.client.complete(&key, &callback).await), "DENIED");

        assert_eq!(state(&house, &started.authorization_id).await, AuthorizationState::Denied);
        assert_eq!(problem(house.client.complete(&key, &callback).await), "ALREADY_USED");
        assert_eq!(exchanges(&house, provider), 0);
        house.close().await;
    }
}

#[tokio::test]
async fn a_code_that_the_provider_refuses_is_told_as_such() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let (started, callback) = house.approve(&key).await;
        // The code, unlike the state, is the provider's to check.
        let tampered = callback.replace("code=", "code=x");

        assert_eq!(problem(house.client.complete(&key, &tampered).await), "CODE_REFUSED");

        assert_eq!(state(&house, &started.authorization_id).await, AuthorizationState::Failed);
        refused(house.vend(&key).await, Code::NotFound, Reason::GrantNotFound);
        house.close().await;
    }
}

#[tokio::test]
async fn an_error_of_the_provider_is_not_the_users_refusal() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let started = house.client.start(&key).await.unwrap();
        let callback = provider.person().deny(&started.authorization_url).await.unwrap();
        let failed = callback.replace("error=access_denied", "error=server_error");

        assert_eq!(problem(house.client.complete(&key, &failed).await), "PROVIDER_ERROR");

        assert_eq!(state(&house, &started.authorization_id).await, AuthorizationState::Failed);
        house.close().await;
    }
}
