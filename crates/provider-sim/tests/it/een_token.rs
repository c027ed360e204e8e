//! Eagle Eye, contract lines 5, 10, 11, 12 and 16: the code exchange.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use provider_sim::{DocStatus, GrantType};
use serde_json::{Value, json};

use crate::een::{ALICE, CHALLENGE, Een, FORM, ID, REDIRECT, SECRET, VERIFIER, basic, config};
use crate::http::{Answer, form, send};

const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

async fn exchange_with(een: &Een, code: &str, more: &[(&str, &str)]) -> Answer {
    let mut params = vec![("grant_type", "authorization_code"), ("code", code), ("redirect_uri", REDIRECT)];
    params.retain(|(name, _)| !more.iter().any(|(changed, _)| changed == name));
    params.extend(more.iter().filter(|(_, value)| !value.is_empty()));
    een.token(&params).await
}

#[tokio::test]
async fn een_05_exchange_answers_tokens_and_headers() {
    let een = Een::demo().await;
    let answer = een.exchange(&een.code().await).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json;charset=UTF-8"));
    assert_eq!(answer.header("cache-control"), Some("no-cache, no-store, max-age=0, must-revalidate"));
    assert_eq!(answer.header("pragma"), Some("no-cache"));
    let body = answer.json();
    assert_eq!(body["token_type"], "Bearer");
    assert_eq!(body["scope"], "vms.all");
    assert_eq!(body["expires_in"], 43_200);
    assert_eq!(body["httpsBaseUrl"], json!({"hostname": "api.c001.eagleeyenetworks.com", "port": 443}));
    assert!(answer.text("refresh_token").len() >= 101);
}

#[tokio::test]
async fn een_05_scope_of_the_exchange_is_ignored() {
    let een = Een::demo().await;
    for scope in ["vms.all", "vms-all"] {
        let answer = exchange_with(&een, &een.code().await, &[("scope", scope)]).await;
        assert_eq!((answer.status, answer.text("scope")), (200, "vms.all".into()));
    }
}

#[tokio::test]
async fn een_05_verifier_is_enforced_when_there_was_a_challenge() {
    let een = Een::demo().await;
    let code = een.code_with(&PKCE).await;
    for verifier in ["", "0123456789012345678901234567890123456789012"] {
        let answer = exchange_with(&een, &code, &[("code_verifier", verifier)]).await;
        assert_eq!(answer.error(), (400, "invalid_grant".into()));
    }
    assert_eq!(exchange_with(&een, &code, &[("code_verifier", VERIFIER)]).await.status, 200);
    let unasked = exchange_with(&een, &een.code().await, &[("code_verifier", VERIFIER)]).await;
    assert_eq!(unasked.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn een_10_bad_code_or_redirect_is_400_invalid_grant() {
    let een = Een::demo().await;
    let code = een.code().await;
    assert_eq!(een.exchange("unknown").await.error(), (400, "invalid_grant".into()));
    for uri in ["http://127.0.0.1:3333/", "http://localhost:3333", ""] {
        let answer = exchange_with(&een, &code, &[("redirect_uri", uri)]).await;
        assert_eq!(answer.error(), (400, "invalid_grant".into()), "{uri}");
    }
    assert_eq!(een.exchange(&code).await.status, 200);
    let missing = een.token(&[("grant_type", "authorization_code")]).await;
    assert_eq!(missing.text("error_description"), "OAuth 2.0 Parameter: code");
}

#[tokio::test]
async fn een_10_documented_status_of_an_expired_code_is_401_with_the_toggle() {
    for (doc_status, error) in [(DocStatus::Labelled, "invalid_grant"), (DocStatus::Bare, "")] {
        let mut config = config();
        config.doc_status = doc_status;
        let een = Een::start(config).await;
        let code = een.code().await;
        een.advance(300);
        assert_eq!(een.exchange(&code).await.error(), (401, error.into()));
    }
}

#[tokio::test]
async fn een_11_grant_types_are_checked() {
    let mut config = config();
    config.clients[0].grant_types = vec![GrantType::AuthorizationCode];
    let een = Een::start(config).await;
    for grant_type in ["password", "urn:ietf:params:oauth:grant-type:device_code"] {
        let answer = een.token(&[("grant_type", grant_type)]).await;
        assert_eq!(answer.error(), (400, "unsupported_grant_type".into()));
    }
    let repeated = een.token(&[("grant_type", "refresh_token"), ("grant_type", "refresh_token")]).await;
    assert_eq!(repeated.error(), (400, "invalid_request".into()));
    assert_eq!(een.refresh("x").await.error(), (400, "unauthorized_client".into()));
    assert!(een.exchange(&een.code().await).await.json().get("refresh_token").is_none());
}

#[tokio::test]
async fn een_11_client_without_the_scope_is_403() {
    let een = Een::demo().await;
    let asked = exchange_with(&een, &een.code().await, &[("scope", "openid")]).await;
    assert_eq!(asked.status, 403);
    let ((_, refresh), code) = (een.grant().await, een.code().await);
    een.sim.set_client_scopes(ID, &["openid"]).unwrap();
    assert_eq!(een.exchange(&code).await.status, 403);
    assert_eq!(een.refresh(&refresh).await.status, 403);
}

#[tokio::test]
async fn een_12_access_token_is_a_jwt_with_the_documented_claims() {
    let een = Een::demo().await;
    let (access, _) = een.grant().await;
    let parts: Vec<&str> = access.split('.').collect();
    let decode =
        |part: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let (header, claims) = (decode(parts[0]), decode(parts[1]));
    assert_eq!((&header["alg"], &header["typ"]), (&json!("RS256"), &json!("JWT")));
    assert!(header["kid"].is_string());
    let expected = [
        ("sub", ALICE),
        ("aud", "vms.api"),
        ("iss", "vms.auth.v1"),
        ("vms_account", "00001106"),
        ("vms_cluster", "c001"),
        ("client_id", ID),
    ];
    for (claim, value) in expected {
        assert_eq!(claims[claim], value);
    }
    assert_eq!(claims["jti"].as_str().unwrap().len(), 32);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 43_200);
    assert_eq!(URL_SAFE_NO_PAD.decode(parts[2]).unwrap().len(), 256);
}

#[tokio::test]
async fn een_12_expires_in_is_floored_and_ttl_follows_the_account() {
    let mut config = config();
    config.users[0].access_ttl = Some(Duration::from_secs(900));
    let een = Een::start(config).await;
    een.sim.clock().advance(Duration::from_millis(1_001));
    let answer = een.exchange(&een.code().await).await;
    assert_eq!(answer.json()["expires_in"], 899);
    let access = answer.text("access_token");
    een.advance(899);
    assert!(een.is_alive(&access).await);
    een.advance(1);
    assert!(!een.is_alive(&access).await);
}

#[tokio::test]
async fn een_12_base_url_may_be_absent() {
    let mut config = config();
    config.base_url_in_token_response = false;
    let een = Een::start(config).await;
    assert!(een.exchange(&een.code().await).await.json().get("httpsBaseUrl").is_none());
}

#[tokio::test]
async fn een_16_public_client_gets_no_refresh_token() {
    let een = Een::demo().await;
    let code = een.code_with(&[("client_id", "public"), PKCE[0], PKCE[1]]).await;
    let params = [
        ("grant_type", "authorization_code"),
        ("client_id", "public"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = send(&een.base, "POST", "/oauth2/token", &[FORM], &form(&params)).await;
    assert_eq!(answer.status, 200);
    assert!(answer.json().get("refresh_token").is_none());
    assert!(een.is_alive(&answer.text("access_token")).await);
}

#[tokio::test]
async fn een_16_confidential_client_cannot_pass_for_a_public_one() {
    let een = Een::demo().await;
    let code = een.code_with(&PKCE).await;
    let params = [
        ("grant_type", "authorization_code"),
        ("client_id", ID),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let answer = send(&een.base, "POST", "/oauth2/token", &[FORM], &form(&params)).await;
    assert_eq!(answer.error(), (401, "invalid_client".into()));
    let auth = basic(ID, SECRET);
    let proven =
        send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", &auth)], &form(&params)).await;
    assert_eq!(proven.status, 200);
}
