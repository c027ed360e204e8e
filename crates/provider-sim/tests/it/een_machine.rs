//! Eagle Eye, contract lines 11 and 23: tokens of the client itself, and of customers' accounts.

use provider_sim::{Endpoint, GrantType};
use serde_json::json;

use crate::een::{Een, config};
use crate::http::{Answer, send};

const PATH: &str = "/api/v3.0/authorizationTokens";

async fn alone(een: &Een, scope: &str) -> Answer {
    een.token(&[("grant_type", "client_credentials"), ("scope", scope)]).await
}

async fn switch(een: &Een, token: &str, body: &str) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("content-type", "application/json"), ("authorization", bearer.as_str())];
    send(&een.base, "POST", PATH, &headers, body).await
}

fn body(target: &str, scopes: &[&str]) -> String {
    json!({"type": "reseller", "targetType": "account", "targetId": target, "scopes": scopes}).to_string()
}

#[tokio::test]
async fn een_11_a_client_gets_a_token_of_its_own() {
    let mut config = config();
    config.clients[0].grant_types.push(GrantType::ClientCredentials);
    let een = Een::start(config).await;
    let answer = alone(&een, "vms.all").await;
    assert_eq!((answer.status, answer.text("scope")), (200, "vms.all".into()));
    let body = answer.json();
    assert!(body["access_token"].is_string() && body["refresh_token"].is_null());
    assert_eq!(alone(&een, "vms.other").await.error(), (400, "invalid_scope".into()));
}

#[tokio::test]
async fn een_11_a_client_that_is_not_enabled_gets_none() {
    let mut config = config();
    config.clients[0].grant_types.retain(|of| *of != GrantType::ClientCredentials);
    let een = Een::start(config).await;
    assert_eq!(alone(&een, "vms.all").await.error(), (400, "unauthorized_client".into()));
}

#[tokio::test]
async fn een_23_a_resellers_token_is_exchanged_for_one_of_a_customer() {
    let mut config = config();
    config.resold_accounts = vec![("a11ce001".into(), "1".into()), ("b0b00001".into(), "2".into())];
    let een = Een::start(config).await;
    let (token, _) = een.grant().await;
    let answer = switch(&een, &token, &body("1", &["vms.all"])).await;
    let json = answer.json();
    assert_eq!((answer.status, &json["scopes"]), (201, &json!(["vms.all"])));
    assert!(json["expireTimestamp"].as_str().unwrap().ends_with('Z'));
    assert_eq!(json["httpsBaseUrl"]["port"], 443);
    assert!(een.is_alive(json["accessToken"].as_str().unwrap()).await && een.is_alive(&token).await);
    let refused = [
        ("no token", body("1", &["vms.all"]), 401),
        (token.as_str(), body("2", &["vms.all"]), 403),
        (token.as_str(), body("1", &["vms.more"]), 403),
        (token.as_str(), body("3", &["vms.all"]), 404),
        (token.as_str(), body("1", &[]), 400),
        (token.as_str(), "{}".to_owned(), 400),
    ];
    for (token, body, status) in refused {
        let answer = switch(&een, token, &body).await;
        assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(status)), "{body}");
    }
    let asked = een.sim.journal().count(|entry| entry.endpoint == Endpoint::AuthorizationTokens);
    assert_eq!(asked, 7);
}
