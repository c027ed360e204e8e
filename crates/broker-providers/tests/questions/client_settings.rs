//! Eagle Eye's `clientSettings`: where the API calls of an account go.

use broker_core::ports::{NoBaseUrl, ProviderClient as _};
use broker_providers::{Adapter, Overrides};

use crate::server::{Answer, client, discover, nobody, ok, serve, too_large};

const CLUSTER: &str = r#"{"httpsBaseUrl":{"hostname":"api.c001.eagleeyenetworks.com","port":443}}"#;

async fn asked(answer: Answer) -> (Result<String, NoBaseUrl>, String) {
    let (base, server) = serve(answer).await;
    let found = discover(&client(Adapter::EagleEye, &base, Overrides::default()), "at-1").await;
    (found, server.await.unwrap())
}

#[tokio::test]
async fn it_is_read_with_the_token_and_nothing_else() {
    let (found, request) = asked(ok(CLUSTER)).await;
    assert_eq!(found.unwrap(), "https://api.c001.eagleeyenetworks.com:443");
    assert!(request.starts_with("GET /api/v3.0/clientSettings HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nauthorization: Bearer at-1\r\n"), "{request}");
    assert!(!request.contains("hunter2") && !request.contains("aWQ6"), "{request}");
}

#[tokio::test]
async fn it_may_be_somewhere_else() {
    let (base, server) = serve(ok(CLUSTER)).await;
    let changes = Overrides { client_settings_url: Some(format!("{base}/settings")), ..Overrides::default() };
    assert!(discover(&client(Adapter::EagleEye, &nobody().await, changes), "at-1").await.is_ok());
    assert!(server.await.unwrap().starts_with("GET /settings HTTP/1.1\r\n"));
}

#[tokio::test]
async fn what_names_no_allowed_host_is_left_out() {
    let unusable = [
        r#"{"httpsBaseUrl":{"hostname":"evil.example","port":443}}"#,
        r#"{"httpsBaseUrl":{"hostname":"169.254.169.254","port":80}}"#,
        r#"{"httpsBaseUrl":"http://api.c001.eagleeyenetworks.com"}"#,
        r#"{"httpsBaseUrl":{"port":443}}"#,
        r#"{"httpsBaseUrl":null}"#,
        r#"{"httpsBaseUrl":{"hostname":"api.c001.eagleeyenetworks.com","port":443}"#,
        "{}",
        "[]",
        "<html>maintenance</html>",
        "",
    ];
    for body in unusable {
        let found = asked(ok(body)).await.0;
        assert!(matches!(found, Err(NoBaseUrl::Unusable)), "{body}: {found:?}");
    }
}

#[tokio::test]
async fn other_statuses_are_refusals() {
    for status in [302, 401, 404, 429, 500, 503] {
        let found = asked((status, CLUSTER.to_owned())).await.0;
        assert!(matches!(found, Err(NoBaseUrl::Refused(was)) if was == status), "{status}: {found:?}");
    }
}

#[tokio::test]
async fn without_a_whole_answer_there_is_none() {
    let found = asked(too_large(CLUSTER)).await.0;
    assert!(matches!(&found, Err(NoBaseUrl::NoAnswer(why)) if !why.contains("at-1")), "{found:?}");
    let unheard = discover(&client(Adapter::EagleEye, &nobody().await, Overrides::default()), "at-1").await;
    assert!(matches!(unheard, Err(NoBaseUrl::NoAnswer(_))), "{unheard:?}");
}

#[test]
fn only_eagle_eye_is_asked() {
    for (adapter, discovers) in
        [(Adapter::EagleEye, true), (Adapter::Evercam, false), (Adapter::OAuth2, false)]
    {
        let client = client(adapter, "http://127.0.0.1:1", Overrides::default());
        assert_eq!(client.discovers_base_url(), discovers, "{adapter:?}");
    }
}
