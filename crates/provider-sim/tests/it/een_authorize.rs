//! Eagle Eye, contract lines 1 to 4: the authorization endpoint and its codes.

use provider_sim::{Person, PersonError};

use crate::een::{ALICE, CHALLENGE, Een, FORM, ID, REDIRECT, basic, tokens};
use crate::http::{form, query, send};

#[tokio::test]
async fn een_01_consent_redirects_with_code_and_state() {
    let een = Een::demo().await;
    let callback = Person::new(ALICE).approve(&een.url(&[("state", "a b&c=%\"<")])).await.unwrap();
    assert!(callback.starts_with(&format!("{REDIRECT}?code=")), "{callback}");
    assert_eq!(query(&callback, "state").as_deref(), Some("a b&c=%\"<"));
    let without = Person::new(ALICE).approve(&een.url(&[])).await.unwrap();
    assert_eq!(query(&without, "state"), None);
}

#[tokio::test]
async fn een_01_the_request_may_be_posted() {
    let een = Een::demo().await;
    let url = een.url(&[]);
    let path = url.strip_prefix(&een.base).unwrap();
    let page = send(&een.base, "POST", path, &[FORM], "").await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with(b"<!DOCTYPE html>"));
    let (path, params) = path.split_once('?').unwrap();
    assert_eq!(send(&een.base, "POST", path, &[FORM], params).await.status, 200);
}

#[tokio::test]
async fn een_02_redirect_uri_is_compared_as_a_string() {
    let een = Een::demo().await;
    for uri in [
        "https://127.0.0.1:3333",
        "http://localhost:3333",
        "127.0.0.1:3333/",
        "http://127.0.0.1:3333/",
        "http://127.0.0.1:3334",
        "",
    ] {
        let refused = Person::new(ALICE).approve(&een.url(&[("redirect_uri", uri)])).await;
        assert!(matches!(refused, Err(PersonError::Refused(400))), "{uri}: {refused:?}");
    }
}

#[tokio::test]
async fn een_03_unknown_client_or_unreadable_request_is_a_page_without_redirect() {
    let een = Een::demo().await;
    for changes in
        [("client_id", "unknown"), ("client_id", ""), ("response_type", "token"), ("response_type", "")]
    {
        let refused = Person::new(ALICE).approve(&een.url(&[changes])).await;
        assert!(matches!(refused, Err(PersonError::Refused(400))), "{changes:?}: {refused:?}");
    }
    let repeated = format!("{}&client_id={ID}", een.url(&[]));
    assert!(matches!(Person::new(ALICE).approve(&repeated).await, Err(PersonError::Refused(400))));
}

#[tokio::test]
async fn een_03_refusal_is_access_denied_with_state() {
    let een = Een::demo().await;
    let callback = Person::new(ALICE).deny(&een.url(&[("state", "s")])).await.unwrap();
    assert!(callback.starts_with(REDIRECT));
    assert_eq!(query(&callback, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&callback, "state").as_deref(), Some("s"));
    assert_eq!(query(&callback, "code"), None);
}

#[tokio::test]
async fn een_03_wrong_parameters_come_back_as_errors() {
    let een = Een::demo().await;
    let table = [
        (("scope", "vms-all"), "invalid_scope"),
        (("scope", "vms.all cameras:read"), "invalid_scope"),
        (("scope", "openid"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("code_challenge", CHALLENGE), "invalid_request"),
        (("client_id", "public"), "invalid_request"),
    ];
    for (change, error) in table {
        let callback = Person::new(ALICE).approve(&een.url(&[change, ("state", "s")])).await.unwrap();
        assert_eq!(query(&callback, "error").as_deref(), Some(error), "{change:?}");
        assert_eq!(query(&callback, "state").as_deref(), Some("s"));
        assert!(query(&callback, "error_uri").unwrap().starts_with("https://datatracker.ietf.org/"));
    }
}

#[tokio::test]
async fn een_04_code_lives_300_seconds() {
    let een = Een::demo().await;
    let (late, early) = (een.code().await, een.code().await);
    een.advance(299);
    assert_eq!(een.exchange(&early).await.status, 200);
    een.advance(1);
    assert_eq!(een.exchange(&late).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn een_04_replayed_code_kills_the_tokens_it_was_exchanged_for() {
    let een = Een::demo().await;
    let code = een.code().await;
    let (_, first) = tokens(&een.exchange(&code).await);
    let (access, refresh) = tokens(&een.refresh(&first).await);
    assert_eq!(een.exchange(&code).await.error(), (400, "invalid_grant".into()));
    assert!(!een.is_alive(&access).await);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn een_04_code_shown_by_another_client_is_burned() {
    let een = Een::demo().await;
    let code = een.code().await;
    let params = form(&[("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)]);
    let other = basic("other", "other-secret");
    let answer = send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", &other)], &params).await;
    assert_eq!(answer.error(), (400, "invalid_grant".into()));
    assert_eq!(een.exchange(&code).await.error(), (400, "invalid_grant".into()));
}

#[tokio::test]
async fn een_26_no_cors_headers_and_no_iss() {
    let een = Een::demo().await;
    let callback = Person::new(ALICE).approve(&een.url(&[])).await.unwrap();
    assert_eq!(query(&callback, "iss"), None);
    let answer = een.exchange(&query(&callback, "code").unwrap()).await;
    assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")));
}
