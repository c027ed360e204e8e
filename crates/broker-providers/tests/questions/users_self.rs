//! Eagle Eye's `users/self`: the account and the user behind a token.

use broker_providers::{Adapter, Overrides};

use crate::server::{Answer, client, identify, nobody, ok, serve, short, too_large};

const ADA: &str = r#"{"id":"ca0f61ab","accountId":"00001106","email":"ada@example.com"}"#;

async fn asked(answer: Answer) -> (String, String) {
    let (base, server) = serve(answer).await;
    let identified = identify(&client(Adapter::EagleEye, &base, Overrides::default()), "at-1").await;
    (short(&identified).to_owned(), server.await.unwrap())
}

#[tokio::test]
async fn it_is_read_with_the_token_and_nothing_else() {
    let (account, request) = asked(ok(ADA)).await;
    assert_eq!(account, "00001106/ca0f61ab");
    assert!(request.starts_with("GET /api/v3.0/users/self HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("\r\nauthorization: Bearer at-1\r\n"), "{request}");
    assert!(!request.contains("hunter2") && !request.contains("aWQ6"), "{request}");
}

#[tokio::test]
async fn an_answer_that_names_nobody_is_no_account() {
    let malformed = [
        r#"{"id":"ca0f61ab"}"#,
        r#"{"id":"ca0f61ab","accountId":["00001106"]}"#,
        r#"{"id":"ca0f61ab","accountId":"00001106""#,
        r#"["ca0f61ab","00001106"]"#,
        "<html>maintenance</html>",
        "",
    ];
    for body in malformed {
        assert_eq!(asked(ok(body)).await.0, "unknown", "{body}");
    }
}

#[tokio::test]
async fn what_may_pass_is_asked_again_and_what_is_refused_is_not() {
    let error = r#"{"code":401,"status":"unauthenticated","message":"","details":[]}"#;
    for (status, expected) in [
        (401, "unknown"),
        (403, "unknown"),
        (404, "unknown"),
        (302, "unknown"),
        (429, "unavailable"),
        (500, "unavailable"),
        (503, "unavailable"),
    ] {
        assert_eq!(asked((status, error.to_owned())).await.0, expected, "{status}");
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_not_read() {
    assert_eq!(asked(too_large(ADA)).await.0, "unavailable");
}

#[tokio::test]
async fn where_nobody_listens_it_is_asked_again() {
    let client = client(Adapter::EagleEye, &nobody().await, Overrides::default());
    assert_eq!(short(&identify(&client, "at-1").await), "unavailable");
}
