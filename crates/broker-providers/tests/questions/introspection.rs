//! Evercam's introspection (RFC 7662), and what its token says of itself.

use broker_providers::{Adapter, Overrides};

use crate::server::{Answer, client, identify, nobody, ok, serve, short, too_large};

const ADA: &str = r#"{"active":true,"sub":"ada-1","client_id":"id","token_type":"Bearer"}"#;

/// A token with the claim `{"sub":"ada-2"}`.
const WITH_CLAIM: &str = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEtMiJ9.c2ln";

async fn asked(answer: Answer, token: &str) -> (String, String) {
    let (base, server) = serve(answer).await;
    let introspect_url = Some(format!("{base}/oauth/introspect"));
    let changes = Overrides { introspect_url, ..Overrides::default() };
    let identified = identify(&client(Adapter::Evercam, &base, changes), token).await;
    (short(&identified).to_owned(), server.await.unwrap())
}

#[tokio::test]
async fn the_token_is_shown_as_json_with_the_credentials() {
    let (account, request) = asked(ok(ADA), "at-1").await;
    assert_eq!(account, "ada-1");
    assert!(request.starts_with("POST /oauth/introspect HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\ncontent-type: application/json\r\n"), "{request}");
    assert!(!request.contains("authorization"), "{request}");
    for member in [r#""token":"at-1""#, r#""client_id":"id""#, r#""client_secret":"hunter2""#] {
        assert!(request.contains(member), "{request}");
    }
}

#[tokio::test]
async fn what_the_server_says_goes_over_what_the_token_says() {
    assert_eq!(asked(ok(ADA), WITH_CLAIM).await.0, "ada-1");
}

#[tokio::test]
async fn where_the_server_does_not_say_the_token_does() {
    let refused = (401, r#"{"error":"invalid_client"}"#.to_owned());
    let answers = [
        ok(r#"{"active":true}"#),
        ok(r#"{"active":false}"#),
        ok(r#"{"active":true,"sub":{"id":"ada-1"}}"#),
        ok("<html>"),
        ok(""),
        refused,
    ];
    for answer in answers {
        assert_eq!(asked(answer.clone(), "at-1").await.0, "unknown", "{answer:?}");
        assert_eq!(asked(answer.clone(), WITH_CLAIM).await.0, "ada-2", "{answer:?}");
    }
}

#[tokio::test]
async fn while_the_server_is_away_the_token_is_not_believed_instead() {
    for answer in [(500, String::new()), (503, String::new()), (429, String::new()), too_large(ADA)] {
        assert_eq!(asked(answer.clone(), WITH_CLAIM).await.0, "unavailable", "{}", answer.0);
    }
    let changes = Overrides { introspect_url: Some(nobody().await), ..Overrides::default() };
    let client = client(Adapter::Evercam, &nobody().await, changes);
    assert_eq!(short(&identify(&client, WITH_CLAIM).await), "unavailable");
}
