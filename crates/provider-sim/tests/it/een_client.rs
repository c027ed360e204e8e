//! Eagle Eye, contract lines 6 to 9: requests that the token endpoint can and cannot read, and their clients.

use provider_sim::ClientConfig;

use crate::een::{Een, FORM, ID, REDIRECT, SECRET, basic, config};
use crate::http::{form, send};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn een_06_secret_in_the_form_is_accepted() {
    let een = Een::demo().await;
    let code = een.code().await;
    let mut params = vec![("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", REDIRECT)];
    params.extend([("client_id", ID), ("client_secret", SECRET)]);
    assert_eq!(send(&een.base, "POST", "/oauth2/token", &[FORM], &form(&params)).await.status, 200);
}

#[tokio::test]
async fn een_07_json_body_is_invalid_request() {
    let een = Een::demo().await;
    let body = r#"{"grant_type":"refresh_token","refresh_token":"x"}"#;
    let auth = basic(ID, SECRET);
    let answer = send(&een.base, "POST", "/oauth2/token", &[JSON, ("authorization", &auth)], body).await;
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.json(),
        serde_json::json!({
            "error": "invalid_request",
            "error_description": "OAuth 2.0 Parameter: grant_type",
            "error_uri": "https://datatracker.ietf.org/doc/html/rfc6749#section-5.2",
        })
    );
}

#[tokio::test]
async fn een_07_parameters_in_the_query_are_invalid_request() {
    let een = Een::demo().await;
    let params = form(&[
        ("grant_type", "authorization_code"),
        ("code", &een.code().await),
        ("redirect_uri", REDIRECT),
    ]);
    let auth = basic(ID, SECRET);
    let headers = [FORM, ("authorization", auth.as_str())];
    for body in ["", params.as_str()] {
        let answer = send(&een.base, "POST", &format!("/oauth2/token?{params}"), &headers, body).await;
        assert_eq!(answer.error(), (400, "invalid_request".into()));
    }
    assert_eq!(send(&een.base, "POST", "/oauth2/token", &headers, &params).await.status, 200);
}

#[tokio::test]
async fn een_07_json_is_accepted_with_the_toggle() {
    let mut config = config();
    config.accept_json = true;
    let een = Een::start(config).await;
    let code = een.code().await;
    let body =
        serde_json::json!({"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT});
    let auth = basic(ID, SECRET);
    let headers = [JSON, ("authorization", auth.as_str())];
    assert_eq!(send(&een.base, "POST", "/oauth2/token", &headers, &body.to_string()).await.status, 200);
}

#[tokio::test]
async fn een_08_no_or_unknown_scheme_is_401_with_an_empty_body() {
    let een = Een::demo().await;
    let params = form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    let without_scheme = basic(ID, SECRET).replace("Basic ", "");
    for headers in [
        vec![FORM],
        vec![FORM, ("authorization", &without_scheme)],
        vec![FORM, ("authorization", "Bearer x")],
    ] {
        let answer = send(&een.base, "POST", "/oauth2/token", &headers, &params).await;
        assert_eq!((answer.status, answer.body.len()), (401, 0));
    }
}

#[tokio::test]
async fn een_09_wrong_credentials_are_401_invalid_client() {
    let een = Een::demo().await;
    let params = form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    for (id, secret) in [(ID, "wrong"), ("unknown", SECRET), ("public", SECRET)] {
        let auth = basic(id, secret);
        let answer =
            send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", &auth)], &params).await;
        assert_eq!((answer.status, answer.body.as_ref()), (401, &br#"{"error":"invalid_client"}"#[..]));
    }
    let in_form = form(&[("grant_type", "refresh_token"), ("client_id", ID), ("client_secret", "wrong")]);
    assert_eq!(
        send(&een.base, "POST", "/oauth2/token", &[FORM], &in_form).await.error(),
        (401, "invalid_client".into())
    );
}

#[tokio::test]
async fn een_09_malformed_basic_is_400_invalid_request() {
    let een = Een::demo().await;
    let percent = basic(ID, "a%zz");
    let no_colon = "Basic bm9jb2xvbg==";
    for auth in ["Basic", "Basic !!!", "Basic a b", percent.as_str(), no_colon, &basic("", SECRET)] {
        let answer = send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", auth)], "").await;
        assert_eq!(answer.error(), (400, "invalid_request".into()), "{auth}");
    }
}

#[tokio::test]
async fn een_09_basic_credentials_are_form_decoded() {
    let mut config = config();
    config.clients =
        vec![ClientConfig::confidential("an id", "a+b%c").redirect_uri(REDIRECT).scopes(["vms.all"])];
    let een = Een::start(config).await;
    let params = form(&[("grant_type", "refresh_token"), ("refresh_token", "x")]);
    for (auth, expected) in
        [(basic("an+id", "a%2Bb%25c"), "invalid_grant"), (basic("an id", "a+b%25c"), "invalid_client")]
    {
        let answer =
            send(&een.base, "POST", "/oauth2/token", &[FORM, ("authorization", &auth)], &params).await;
        assert_eq!(answer.text("error"), expected);
    }
}

#[tokio::test]
async fn een_09_secrets_can_change_while_the_simulator_runs() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    een.sim.add_client_secret(ID, "next").unwrap();
    let (_, refresh) = crate::een::tokens(&een.refresh(&refresh).await);
    een.sim.set_client_secret(ID, "next").unwrap();
    assert_eq!(een.refresh(&refresh).await.error(), (401, "invalid_client".into()));
    assert!(een.sim.set_client_secret("unknown", "x").is_err());
}
