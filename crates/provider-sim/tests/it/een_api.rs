//! Eagle Eye, contract lines 18, 21, 22, 24 and 25: revocation and the API.

use provider_sim::{Endpoint, Fault, RevocationReach};
use serde_json::json;

use crate::een::{ALICE, Een, FORM, ID, SECRET, basic, config};
use crate::http::{form, send};

#[tokio::test]
async fn een_18_revoking_a_refresh_token_kills_the_grant() {
    let een = Een::demo().await;
    let (access, refresh) = een.grant().await;
    let answer = een.revoke(&refresh).await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(!een.is_alive(&access).await);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
    assert_eq!(een.revoke(&refresh).await.status, 200);
}

#[tokio::test]
async fn een_18_revoking_an_access_token_leaves_the_refresh_token() {
    let een = Een::demo().await;
    let (access, refresh) = een.grant().await;
    assert_eq!(een.revoke(&access).await.status, 200);
    assert!(!een.is_alive(&access).await);
    assert_eq!(een.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn een_18_errors_of_the_revocation_endpoint() {
    let een = Een::demo().await;
    let (access, refresh) = een.grant().await;
    assert_eq!(een.revoke("unknown").await.status, 200);
    assert_eq!(een.revoke("").await.error(), (400, "invalid_request".into()));
    let body = form(&[("token", &refresh)]);
    let table = [(basic(ID, "wrong"), 401), (basic("other", "other-secret"), 400)];
    for (auth, status) in table {
        let answer =
            send(&een.base, "POST", "/oauth2/revoke", &[FORM, ("authorization", &auth)], &body).await;
        assert_eq!(answer.error(), (status, "invalid_client".into()));
    }
    let auth = basic(ID, SECRET);
    let path = format!("/oauth2/revoke?{body}");
    let query_only = send(&een.base, "POST", &path, &[FORM, ("authorization", &auth)], "").await;
    assert_eq!(query_only.status, 400);
    assert!(een.is_alive(&access).await);
}

#[tokio::test]
async fn een_18_reach_of_a_revocation_is_a_toggle() {
    for (reach, survives) in [(RevocationReach::Token, true), (RevocationReach::Authorization, false)] {
        let mut config = config();
        config.revocation_reach = reach;
        let een = Een::start(config).await;
        let ((_, old), (access, _)) = (een.grant().await, een.grant().await);
        een.revoke(&old).await;
        assert_eq!(een.is_alive(&access).await, survives, "{reach:?}");
    }
}

#[tokio::test]
async fn a_new_consent_may_replace_the_old_one_with_the_toggle() {
    for replaces in [false, true] {
        let mut config = config();
        config.consent_replaces = replaces;
        let een = Een::start(config).await;
        let (old, new) = (een.grant().await.0, een.grant().await.0);
        assert_eq!(een.is_alive(&old).await, !replaces);
        assert!(een.is_alive(&new).await);
    }
}

#[tokio::test]
async fn een_21_users_self_and_client_settings() {
    let een = Een::demo().await;
    let (access, _) = een.grant().await;
    let user = een.api(&access).await.json();
    for member in ["id", "firstName", "lastName", "accountId", "email", "language", "employeeId"] {
        assert!(user[member].is_string(), "{member}");
    }
    assert_eq!((&user["id"], &user["accountId"]), (&json!(ALICE), &json!("00001106")));
    let bearer = format!("Bearer {access}");
    let path = "/api/v3.0/clientSettings";
    let settings = send(&een.base, "GET", path, &[("authorization", &bearer)], "").await;
    assert_eq!(
        settings.json()["httpsBaseUrl"],
        json!({"hostname": "api.c001.eagleeyenetworks.com", "port": 443})
    );
    assert_eq!(send(&een.base, "GET", path, &[], "").await.status, 401);
}

#[tokio::test]
async fn een_21_wrong_api_host_is_404_with_the_toggle() {
    let mut config = config();
    config.enforce_api_host = true;
    let een = Een::start(config).await;
    let bearer = format!("Bearer {}", een.grant().await.0);
    for (host, status) in [("api.c001.eagleeyenetworks.com", 200), ("api.c002.eagleeyenetworks.com", 404)] {
        let headers = [("authorization", bearer.as_str()), ("host", host)];
        assert_eq!(send(&een.base, "GET", "/api/v3.0/users/self", &headers, "").await.status, status);
    }
}

#[tokio::test]
async fn een_22_dead_access_token_is_401_unauthenticated() {
    let een = Een::demo().await;
    let answer = een.api("eyJ.unknown").await;
    assert_eq!(answer.status, 401);
    let expected = json!({
        "code": 401,
        "status": "unauthenticated",
        "message": "The client caller does not have a valid authentication credential",
        "details": [{"type": "errorInfo", "reason": "unauthenticated", "domain": "apiv3",
            "metadata": {"path": "/api/v3.0/users/self"}}],
    });
    assert_eq!(answer.json(), expected);
}

#[tokio::test]
async fn een_24_api_answers_429_in_its_own_shape() {
    let een = Een::demo().await;
    let (access, _) = een.grant().await;
    een.sim.faults().push(Fault::too_many_requests(Endpoint::Api, None));
    let answer = een.api(&access).await;
    assert_eq!((answer.status, answer.text("status")), (429, "tooManyRequests".into()));
    assert_eq!(answer.header("retry-after"), None);
    assert!(een.is_alive(&access).await);
}

#[tokio::test]
async fn een_25_user_removes_the_application() {
    let een = Een::demo().await;
    let ((access, refresh), (other_access, _)) = (een.grant().await, een.grant().await);
    assert_eq!(een.sim.revoke_all_of_user("b0b00001").unwrap(), 0);
    assert_eq!(een.sim.revoke_all_of_user(ALICE).unwrap(), 2);
    assert!(!een.is_alive(&access).await && !een.is_alive(&other_access).await);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}
