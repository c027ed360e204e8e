//! Where API calls go, at an Eagle Eye whose token answers do not say.

use broker_e2e::{House, Provider};
use broker_proto::v1;
use provider_sim::{EagleEyeConfig, Endpoint, Fault, FaultBody, HttpsBaseUrl, When};
use serde_json::json;

const CLUSTER: &str = "https://api.c001.eagleeyenetworks.com:443";

async fn house(eagle_eye: EagleEyeConfig) -> House {
    House::plan().eagle_eye(EagleEyeConfig { base_url_in_token_response: false, ..eagle_eye }).open().await
}

/// How often the provider's API was called.
fn api_calls(house: &House) -> usize {
    house.simulator(Provider::EagleEye).journal().count(|entry| entry.endpoint == Endpoint::Api)
}

async fn refreshed(house: &House, key: &v1::GrantKey) -> v1::GetAccessTokenResponse {
    house.client.refresh(key).await.unwrap();
    house.vend(key).await.unwrap()
}

#[tokio::test]
async fn it_is_asked_for_at_the_consent_and_kept() {
    let house = house(EagleEyeConfig::demo()).await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    assert_eq!(house.vend(&key).await.unwrap().api_base_url, CLUSTER);
    assert_eq!(house.client.grant(&key).await.unwrap().api_base_url, CLUSTER);
    assert_eq!(api_calls(&house), 2, "the settings, and the account");

    let token = refreshed(&house, &key).await;
    assert_eq!((token.generation, token.api_base_url.as_str()), (2, CLUSTER));
    assert_eq!(api_calls(&house), 2, "it is known");
    house.close().await;
}

#[tokio::test]
async fn a_foreign_host_is_refused() {
    let https_base_url = HttpsBaseUrl { hostname: "evil.example".to_owned(), port: 443 };
    let house = house(EagleEyeConfig { https_base_url, ..EagleEyeConfig::demo() }).await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    assert_eq!(house.vend(&key).await.unwrap().api_base_url, "");
    assert!(house.log().contains("outside `api_hosts`"));
    house.close().await;
}

#[tokio::test]
async fn while_it_cannot_be_learnt_grants_are_made_and_refreshed_without() {
    let house = house(EagleEyeConfig::demo()).await;
    let faults = house.simulator(Provider::EagleEye).faults().clone();
    let away = || Fault::respond(Endpoint::Api, When::BeforeCommit, 500, FaultBody::Provider);
    faults.push(away());
    let key = house.consent(Provider::EagleEye, "ada").await;
    assert_eq!(house.vend(&key).await.unwrap().api_base_url, "");
    assert!(house.client.grant(&key).await.unwrap().upstream_account_known, "that was asked for after it");

    faults.push(away());
    let token = refreshed(&house, &key).await;
    assert_eq!((token.generation, token.api_base_url.as_str()), (2, ""));

    let token = refreshed(&house, &key).await;
    assert_eq!((token.generation, token.api_base_url.as_str()), (3, CLUSTER));
    assert_eq!(house.api_status(Provider::EagleEye, &token).await, 200);
    house.close().await;
}

#[tokio::test]
async fn one_that_is_known_survives_an_answer_that_names_none() {
    let house = House::open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    let silent = Fault::rewrite(Endpoint::Refresh, json!({ "httpsBaseUrl": null }));
    house.simulator(Provider::EagleEye).faults().push(silent);
    let token = refreshed(&house, &key).await;
    assert_eq!((token.generation, token.api_base_url.as_str()), (2, CLUSTER));
    assert_eq!(api_calls(&house), 1, "the account");
    house.close().await;
}
