//! Evercam, contract lines 12 and 14: revocation and the API.

use crate::een::tokens;
use crate::evercam::Evercam;
use crate::http::send;

#[tokio::test]
async fn evercam_12_revoking_a_refresh_token_kills_its_access_tokens() {
    let evercam = Evercam::demo().await;
    let (old_access, first) = evercam.grant().await;
    let (access, refresh) = tokens(&evercam.refresh(&first).await);
    let answer = evercam.post("/oauth/revoke", &[("token", &refresh)]).await;
    assert_eq!((answer.status, answer.body.as_ref()), (200, &b"{}"[..]));
    assert!(!evercam.is_alive(&access).await && !evercam.is_alive(&old_access).await);
    assert_eq!(evercam.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn evercam_12_unknown_and_foreign_tokens_are_200_without_effect() {
    let evercam = Evercam::demo().await;
    let (access, refresh) = evercam.grant().await;
    assert_eq!(evercam.post("/oauth/revoke", &[("token", "unknown")]).await.status, 200);
    let foreign = [("token", refresh.as_str()), ("client_id", "ev_other"), ("client_secret", "evs_other")];
    assert_eq!(evercam.post("/oauth/revoke", &foreign).await.status, 200);
    assert!(evercam.is_alive(&access).await);
    assert_eq!(evercam.post("/oauth/revoke", &[("token", &access)]).await.status, 200);
    assert!(!evercam.is_alive(&access).await);
    assert_eq!(evercam.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn evercam_12_errors_and_the_empty_answer() {
    let evercam = Evercam::with(|config| config.empty_revocation_response = true).await;
    assert_eq!(evercam.post("/oauth/revoke", &[("token", "unknown")]).await.body.len(), 0);
    let wrong = [("token", "x"), ("client_secret", "wrong")];
    assert_eq!(evercam.post("/oauth/revoke", &wrong).await.error(), (401, "invalid_client".into()));
    assert_eq!(evercam.post("/oauth/revoke", &[]).await.error(), (400, "invalid_request".into()));
}

#[tokio::test]
async fn evercam_14_cameras_need_a_valid_token_with_the_scope() {
    let evercam = Evercam::demo().await;
    let (access, _) = evercam.grant().await;
    let cameras = evercam.cameras(&access).await.json();
    assert_eq!(cameras["cameras"].as_array().unwrap().len(), 2);
    assert_eq!(evercam.cameras("eyJ.unknown").await.status, 401);
    assert_eq!(send(&evercam.base, "GET", "/v2/cameras", &[], "").await.status, 401);
    let live_only = evercam.code_with(&[("scope", "camera:live_view")]).await;
    let (narrow, _) = tokens(&evercam.exchange(&live_only).await);
    assert_eq!(evercam.cameras(&narrow).await.status, 403);
    evercam.advance(3_600);
    assert_eq!(evercam.cameras(&access).await.status, 401);
}

#[tokio::test]
async fn evercam_14_api_keys_open_the_api_too() {
    let evercam = Evercam::demo().await;
    let good = [("x-api-id", "api-id"), ("x-api-key", "api-key")];
    let answer = send(&evercam.base, "GET", "/v2/cameras", &good, "").await;
    assert_eq!(answer.json()["cameras"][0]["id"], "bob-gate");
    for bad in
        [[("x-api-id", "api-id"), ("x-api-key", "wrong")], [("x-api-id", "wrong"), ("x-api-key", "api-key")]]
    {
        let answer = send(&evercam.base, "GET", "/v2/cameras", &bad, "").await;
        assert_eq!((answer.status, answer.text("message")), (401, "Invalid API keys".into()));
    }
}
