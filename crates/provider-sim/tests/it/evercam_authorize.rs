//! Evercam, contract lines 1 and 2: the authorization endpoint.

use provider_sim::{Person, PersonError};

use crate::een::{CHALLENGE, FORM};
use crate::evercam::{Evercam, REDIRECT};
use crate::http::{query, send};

#[tokio::test]
async fn evercam_01_consent_redirects_with_code_and_state() {
    let evercam = Evercam::demo().await;
    let callback = Person::new("alice").approve(&evercam.url(&[("state", "s+1")])).await.unwrap();
    assert!(callback.starts_with(&format!("{REDIRECT}?code=")), "{callback}");
    assert_eq!(query(&callback, "state").as_deref(), Some("s+1"));
}

#[tokio::test]
async fn evercam_01_the_request_may_be_posted() {
    let evercam = Evercam::demo().await;
    let url = evercam.url(&[]);
    let page = send(&evercam.base, "POST", url.strip_prefix(&evercam.base).unwrap(), &[], "").await;
    assert_eq!(page.status, 200);
    let (path, params) = url.strip_prefix(&evercam.base).unwrap().split_once('?').unwrap();
    assert_eq!(send(&evercam.base, "POST", path, &[FORM], params).await.status, 200);
}

#[tokio::test]
async fn evercam_01_refusal_is_access_denied_with_state() {
    let evercam = Evercam::demo().await;
    let callback = Person::new("bob").deny(&evercam.url(&[("state", "s")])).await.unwrap();
    assert_eq!(query(&callback, "error").as_deref(), Some("access_denied"));
    assert_eq!(query(&callback, "state").as_deref(), Some("s"));
    assert_eq!(query(&callback, "code"), None);
}

#[tokio::test]
async fn evercam_02_bad_client_or_redirect_is_400_without_redirect() {
    let evercam = Evercam::demo().await;
    let table = [
        ("client_id", "ev_unknown"),
        ("redirect_uri", "https://evil.example/callback"),
        ("redirect_uri", "http://localhost:3333/other"),
        ("redirect_uri", "http://127.0.0.1:3333/callback"),
        ("redirect_uri", "http://app.example/callback"),
        ("redirect_uri", ""),
    ];
    for change in table {
        let url = evercam.url(&[change]);
        let refused = Person::new("alice").approve(&url).await;
        assert!(matches!(refused, Err(PersonError::Refused(400))), "{change:?}: {refused:?}");
        let json = send(&evercam.base, "GET", url.strip_prefix(&evercam.base).unwrap(), &[], "").await;
        assert_eq!(json.status, 400);
        assert!(json.json()["error"].is_string());
    }
}

#[tokio::test]
async fn evercam_02_localhost_redirect_may_use_any_port() {
    let evercam = Evercam::demo().await;
    let uri = "http://localhost:45678/callback";
    let code = evercam.code_with(&[("redirect_uri", uri)]).await;
    assert_eq!(evercam.exchange_with(&code, &[("redirect_uri", uri)]).await.status, 200);
}

#[tokio::test]
async fn evercam_02_wrong_parameters_come_back_as_errors() {
    let evercam = Evercam::demo().await;
    let table: [(&[(&str, &str)], &str); 6] = [
        (&[("client_id", "ev_public")], "invalid_request"),
        (&[("code_challenge", CHALLENGE), ("code_challenge_method", "plain")], "invalid_request"),
        (&[("response_type", "token")], "unsupported_response_type"),
        (&[("response_type", "")], "invalid_request"),
        (&[("scope", "cameras:write")], "invalid_scope"),
        (&[("scope", "")], "invalid_scope"),
    ];
    for (changes, error) in table {
        let callback = Person::new("alice").approve(&evercam.url(changes)).await.unwrap();
        assert_eq!(query(&callback, "error").as_deref(), Some(error), "{changes:?}");
    }
}

#[tokio::test]
async fn a_person_must_be_a_user() {
    let evercam = Evercam::demo().await;
    let unknown = Person::new("mallory").approve(&evercam.url(&[])).await;
    assert!(matches!(unknown, Err(PersonError::UnknownUser(_))));
}
