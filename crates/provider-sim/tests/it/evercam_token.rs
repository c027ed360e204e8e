//! Evercam, contract lines 3 to 7 and 9: the code exchange.

use provider_sim::FormBody;

use crate::een::{CHALLENGE, FORM, VERIFIER};
use crate::evercam::{Evercam, ID, JSON, REDIRECT, SECRET};
use crate::http::{form, send};

const PKCE: [(&str, &str); 2] = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];

#[tokio::test]
async fn evercam_03_code_lives_600_seconds_and_once() {
    let evercam = Evercam::demo().await;
    let (late, early) = (evercam.code().await, evercam.code().await);
    evercam.advance(599);
    let (access, refresh) = crate::een::tokens(&evercam.exchange(&early).await);
    assert_eq!(evercam.exchange(&early).await.error(), (400, "invalid_grant".into()));
    assert!(evercam.is_alive(&access).await, "a replay does not touch the tokens");
    assert_eq!(evercam.refresh(&refresh).await.status, 200);
    evercam.advance(1);
    assert_eq!(evercam.exchange(&late).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn evercam_04_json_exchange_answers_a_pair_without_scope() {
    let evercam = Evercam::demo().await;
    let answer = evercam.exchange(&evercam.code().await).await;
    let body = answer.json();
    let mut members: Vec<&str> = body.as_object().unwrap().keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["access_token", "expires_in", "refresh_token", "token_type"]);
    assert_eq!((&body["token_type"], &body["expires_in"]), (&"Bearer".into(), &3_600.into()));
}

#[tokio::test]
async fn evercam_04_scope_is_answered_with_the_toggle() {
    let evercam = Evercam::with(|config| config.scope_in_token_response = true).await;
    let answer = evercam.exchange(&evercam.code().await).await;
    assert_eq!(answer.text("scope"), "cameras:read camera:live_view");
}

#[tokio::test]
async fn evercam_04_bad_codes_and_redirects_are_400_invalid_grant() {
    let evercam = Evercam::demo().await;
    let code = evercam.code().await;
    let invalid_grant = (400, "invalid_grant".to_owned());
    assert_eq!(evercam.exchange("unknown").await.error(), invalid_grant);
    let elsewhere = [("redirect_uri", "http://localhost:9/callback")];
    assert_eq!(evercam.exchange_with(&code, &elsewhere).await.error(), invalid_grant);
    let foreign = [("client_id", "ev_other"), ("client_secret", "evs_other")];
    assert_eq!(evercam.exchange_with(&code, &foreign).await.error(), invalid_grant);
    assert_eq!(
        evercam.exchange_with(&code, &[("redirect_uri", "")]).await.error(),
        (400, "invalid_request".into())
    );
    assert_eq!(evercam.exchange(&code).await.status, 200);
}

#[tokio::test]
async fn evercam_05_public_client_needs_its_verifier_and_no_secret() {
    let evercam = Evercam::demo().await;
    let code = evercam.code_with(&[("client_id", "ev_public"), PKCE[0], PKCE[1]]).await;
    let public = [("client_id", "ev_public"), ("client_secret", "")];
    let wrong = "0123456789012345678901234567890123456789012";
    for verifier in ["", wrong] {
        let answer = evercam.exchange_with(&code, &[public[0], public[1], ("code_verifier", verifier)]).await;
        assert_eq!(answer.error(), (400, "invalid_grant".into()));
    }
    let answer = evercam.exchange_with(&code, &[public[0], public[1], ("code_verifier", VERIFIER)]).await;
    let (_, refresh) = crate::een::tokens(&answer);
    let refresh =
        [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), public[0], public[1]];
    assert_eq!(evercam.post("/oauth/token", &refresh).await.status, 200);
}

#[tokio::test]
async fn evercam_05_verifier_of_a_confidential_client_is_enforced() {
    let evercam = Evercam::demo().await;
    let code = evercam.code_with(&PKCE).await;
    assert_eq!(evercam.exchange(&code).await.error(), (400, "invalid_grant".into()));
    assert_eq!(evercam.exchange_with(&code, &[("code_verifier", VERIFIER)]).await.status, 200);
}

#[tokio::test]
async fn evercam_06_form_bodies_follow_the_toggle() {
    for (form_body, status) in
        [(FormBody::Accept, 200), (FormBody::Reject415, 415), (FormBody::Reject400, 400)]
    {
        let evercam = Evercam::with(|config| config.form_body = form_body).await;
        let code = evercam.code().await;
        let params = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", REDIRECT),
            ("client_id", ID),
            ("client_secret", SECRET),
        ];
        let answer = send(&evercam.base, "POST", "/oauth/token", &[FORM], &form(&params)).await;
        assert_eq!(answer.status, status, "{form_body:?}");
        if status != 200 {
            assert_eq!(answer.text("error"), "invalid_request");
        }
    }
}

#[tokio::test]
async fn evercam_06_unreadable_bodies_are_invalid_request() {
    let evercam = Evercam::demo().await;
    for (headers, body) in [
        (vec![JSON], "{"),
        (vec![JSON], "[]"),
        (vec![JSON], r#"{"grant_type":1}"#),
        (vec![JSON], "{}"),
        (vec![], "{}"),
        (vec![("content-type", "text/plain")], "x"),
    ] {
        let answer = send(&evercam.base, "POST", "/oauth/token", &headers, body).await;
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{body}");
    }
    let unknown = evercam.post("/oauth/token", &[("grant_type", "password")]).await;
    assert_eq!(unknown.error(), (400, "unsupported_grant_type".into()));
}

#[tokio::test]
async fn evercam_07_wrong_clients_are_401_invalid_client() {
    let evercam = Evercam::demo().await;
    let (_, refresh) = evercam.grant().await;
    let table = [
        ("client_secret", "wrong"),
        ("client_secret", ""),
        ("client_id", "ev_unknown"),
        ("client_id", ""),
        ("client_id", "ev_public"),
    ];
    for change in table {
        let members = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str()), change];
        let answer = evercam.post("/oauth/token", &members).await;
        assert_eq!(answer.error(), (401, "invalid_client".into()), "{change:?}");
        assert!(answer.json()["error_description"].is_string());
    }
    assert_eq!(evercam.refresh(&refresh).await.status, 200);
}

#[tokio::test]
async fn evercam_07_basic_credentials_are_not_read() {
    let evercam = Evercam::demo().await;
    let auth = crate::een::basic(ID, SECRET);
    let body = r#"{"grant_type":"refresh_token","refresh_token":"x"}"#;
    let answer = send(&evercam.base, "POST", "/oauth/token", &[JSON, ("authorization", &auth)], body).await;
    assert_eq!(answer.error(), (401, "invalid_client".into()));
}

#[tokio::test]
async fn evercam_07_status_and_shape_of_errors_are_toggles() {
    let evercam = Evercam::with(|config| config.invalid_client_is_400 = true).await;
    let wrong = [("grant_type", "refresh_token"), ("client_secret", "wrong")];
    assert_eq!(evercam.post("/oauth/token", &wrong).await.error(), (400, "invalid_client".into()));
    let evercam = Evercam::with(|config| config.legacy_errors = true).await;
    let answer = evercam.refresh("unknown").await;
    assert_eq!(answer.status, 400);
    assert!(answer.json()["message"].is_string() && answer.json().get("error").is_none());
}

#[tokio::test]
async fn evercam_09_tokens_look_like_jwts() {
    let evercam = Evercam::demo().await;
    let (access, refresh) = evercam.grant().await;
    for token in [access, refresh] {
        assert!(token.starts_with("eyJ") && token.split('.').count() == 3, "{token}");
    }
}
