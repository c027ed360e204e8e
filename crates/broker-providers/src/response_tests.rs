use std::time::Duration;

use broker_core::FailureKind;
use proptest::prelude::*;

use super::*;
use crate::testing::answer;

fn granted(definition: &ProviderDefinition, body: impl AsRef<[u8]>) -> TokenResponse {
    match definition.read(&answer(200, body)) {
        TokenOutcome::Granted(tokens) => tokens,
        TokenOutcome::Failed(failure) => panic!("{failure:?}"),
    }
}

fn failed(status: u16, body: impl AsRef<[u8]>) -> ProviderFailure {
    match ProviderDefinition::oauth2().read(&answer(status, body)) {
        TokenOutcome::Granted(tokens) => panic!("{tokens:?}"),
        TokenOutcome::Failed(failure) => failure,
    }
}

#[test]
fn eagle_eyes_answer() {
    let body = r#"{"access_token":"eyJ.a.b","refresh_token":"r1","scope":"vms.all","token_type":"Bearer","expires_in":43198,
        "httpsBaseUrl":{"hostname":"api.c001.eagleeyenetworks.com","port":443}}"#;
    let tokens = granted(&ProviderDefinition::eagle_eye(), body);
    assert_eq!(tokens.access_token.expose(), "eyJ.a.b");
    assert_eq!(tokens.refresh_token.unwrap().expose(), "r1");
    assert_eq!(tokens.token_type, "Bearer");
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(43198)));
    assert_eq!(tokens.scopes.unwrap(), ["vms.all"]);
    assert_eq!(tokens.api_base_url.as_deref(), Some("https://api.c001.eagleeyenetworks.com:443"));
}

#[test]
fn evercams_answer() {
    let body = r#"{"access_token":"eyJ","refresh_token":"eyJr","token_type":"Bearer","expires_in":3600}"#;
    let tokens = granted(&ProviderDefinition::evercam(), body);
    assert_eq!(tokens.expires_in, Some(Duration::from_secs(3600)));
    assert_eq!((tokens.scopes, tokens.api_base_url), (None, None));
}

#[test]
fn a_refused_base_url_fails_nothing() {
    let body = r#"{"access_token":"a","httpsBaseUrl":{"hostname":"evil.example","port":443}}"#;
    assert_eq!(granted(&ProviderDefinition::eagle_eye(), body).api_base_url, None);
    assert_eq!(granted(&ProviderDefinition::eagle_eye(), r#"{"access_token":"a"}"#).api_base_url, None);
}

#[test]
fn refresh_tokens_are_strings_that_are_not_empty() {
    let cases =
        [(r#""""#, None), ("null", None), ("7", None), (r#""r""#, Some("r")), (r#""r\n""#, Some("r\n"))];
    for (json, expected) in cases {
        let tokens = granted(
            &ProviderDefinition::oauth2(),
            format!(r#"{{"access_token":"a","refresh_token":{json}}}"#),
        );
        assert_eq!(tokens.refresh_token.as_ref().map(|token| token.expose()), expected, "{json}");
    }
}

#[test]
fn scopes_come_as_text_or_list() {
    let cases: [(&str, Option<&[&str]>); 8] = [
        (r#""a b""#, Some(&["a", "b"])),
        (r#"" a  b ""#, Some(&["a", "b"])),
        (r#"["a","b c"]"#, Some(&["a", "b", "c"])),
        (r#""a,b""#, Some(&["a,b"])),
        (r#""""#, None),
        ("[]", None),
        ("null", None),
        ("[1]", None),
    ];
    for (json, expected) in cases {
        let tokens =
            granted(&ProviderDefinition::oauth2(), format!(r#"{{"access_token":"a","scope":{json}}}"#));
        let scopes =
            tokens.scopes.as_ref().map(|scopes| scopes.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(scopes.as_deref(), expected, "{json}");
    }
}

#[test]
fn token_types_are_compared_without_case() {
    for (json, expected) in [
        (r#""bearer""#, "Bearer"),
        (r#""BEARER""#, "Bearer"),
        (r#""DPoP""#, "DPoP"),
        (r#""""#, "Bearer"),
        (r#""a\r\nb""#, "Bearer"),
        ("null", "Bearer"),
    ] {
        let tokens =
            granted(&ProviderDefinition::oauth2(), format!(r#"{{"access_token":"a","token_type":{json}}}"#));
        assert_eq!(tokens.token_type, expected, "{json}");
    }
}

#[test]
fn lifetimes_of_the_draft_are_read() {
    let body = r#"{"access_token":"a","expires_in":0,"refresh_token_timeout":"2592000","authorization_expires_in":604799.5}"#;
    let tokens = granted(&ProviderDefinition::oauth2(), body);
    assert_eq!(tokens.expires_in, Some(Duration::ZERO));
    assert_eq!(tokens.window.refresh_token_timeout, Some(Duration::from_secs(2_592_000)));
    assert_eq!(tokens.window.authorization_expires_in, Some(Duration::from_secs(604_799)));
    let vendors = r#"{"access_token":"a","refresh_token_expires_in":600,"refresh_token_timeout":900}"#;
    let tokens = granted(&ProviderDefinition::oauth2(), vendors);
    assert_eq!(
        tokens.window.refresh_token_timeout,
        Some(Duration::from_secs(600)),
        "the shorter of both names"
    );
}

#[test]
fn members_nobody_knows_are_ignored() {
    let body = r#"{"access_token":"old","id_token":{"deep":[[1e999]]},"error":"","ok":true,"status":"fine","access_token":"a"}"#;
    assert_eq!(granted(&ProviderDefinition::oauth2(), body).access_token.expose(), "a");
}

#[test]
fn what_is_no_success() {
    use FailureKind::{ClientRejected, DeadToken, Refused, Uncertain, UnlabelledRefusal};
    let cases: [(u16, &str, FailureKind, Option<&str>); 26] = [
        (200, "", Uncertain, None),
        (200, "<html>sign in</html>", Uncertain, None),
        (200, r#"{"access_token":"a""#, Uncertain, None),
        (200, r#"[{"access_token":"a"}]"#, Uncertain, None),
        (200, r#"{"access_token":""}"#, Uncertain, None),
        (200, r#"{"access_token":" "}"#, Uncertain, None),
        (200, r#"{"access_token":"a\r\nb"}"#, Uncertain, None),
        (200, r#"{"access_token":7}"#, Uncertain, None),
        (200, r#"{"refresh_token":"r"}"#, Uncertain, None),
        (200, "access_token=a&token_type=bearer", Uncertain, None),
        (200, r#"{"ok":false}"#, Uncertain, None),
        (200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, DeadToken, Some("invalid_refresh_token")),
        (
            200,
            r#"{"error":"bad_refresh_token","error_description":"x"}"#,
            DeadToken,
            Some("bad_refresh_token"),
        ),
        (200, r#"{"error":{"message":"no"}}"#, Uncertain, None),
        (200, r#"{"access_token":"a","error":"invalid_grant"}"#, Uncertain, Some("invalid_grant")),
        (200, r#"{"access_token":"a","ok":false}"#, Uncertain, None),
        (400, r#"{"error":"invalid_grant"}"#, DeadToken, Some("invalid_grant")),
        (400, r#"{"status":"BAD_REFRESH_TOKEN","message":"x"}"#, DeadToken, Some("BAD_REFRESH_TOKEN")),
        (400, r#"{"error":"shown to be a sentence"}"#, Refused, None),
        (400, r#"{"access_token":"a"}"#, Refused, None),
        (401, r#"{"error":"invalid_client"}"#, ClientRejected, Some("invalid_client")),
        (401, "", UnlabelledRefusal, None),
        (401, r#"{"code":401,"status":"unauthenticated","message":"x"}"#, UnlabelledRefusal, None),
        (403, "<html>blocked</html>", UnlabelledRefusal, None),
        (302, "", Refused, None),
        (500, r#"{"error":"invalid_grant"}"#, Uncertain, Some("invalid_grant")),
    ];
    for (status, body, kind, code) in cases {
        let failure = failed(status, body);
        assert_eq!((failure.kind, failure.oauth_error.as_deref()), (kind, code), "{status} {body}");
        assert_eq!(failure.http_status, Some(status));
    }
}

#[test]
fn too_deep_is_no_success() {
    let body = format!(r#"{{"access_token":"a","x":{}{}}}"#, "[".repeat(16), "]".repeat(16));
    assert_eq!(failed(200, body).kind, FailureKind::Uncertain);
}

#[test]
fn a_wait_is_kept_whatever_the_kind() {
    for (status, kind) in [(429, FailureKind::Throttled), (503, FailureKind::Uncertain)] {
        let response = RawResponse {
            retry_after: Some("Sun, 06 Nov 1994 08:50:07 GMT".to_owned()),
            ..answer(status, "")
        };
        let TokenOutcome::Failed(failure) = ProviderDefinition::evercam().read(&response) else { panic!() };
        assert_eq!((failure.kind, failure.retry_after), (kind, Some(Duration::from_secs(30))));
    }
}

/// JSON-like bodies made of the members that matter, with every value that could trip the reader.
fn bodies() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "access_token",
        "refresh_token",
        "expires_in",
        "scope",
        "token_type",
        "error",
        "ok",
        "status",
        "httpsBaseUrl",
    ]);
    let value = prop::sample::select(vec![
        "\"\"",
        "\"a\"",
        "\" \"",
        "null",
        "false",
        "true",
        "0",
        "-1",
        "1e999",
        "\"inf\"",
        "[]",
        "[\"a\"]",
        "{}",
        "\"\\ud800\"",
        "\"\\u0000\"",
        "{\"hostname\":\"api.eagleeyenetworks.com\"}",
        "{\"hostname\":7}",
        "[[[[",
    ]);
    let members = prop::collection::vec((name, value), 0..6);
    members.prop_map(|members| {
        let text: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
        format!("{{{}}}", text.join(",")).into_bytes()
    })
}

proptest! {
    #[test]
    fn no_answer_panics_or_grants_an_unusable_token(
        status in prop_oneof![Just(200u16), 100u16..600],
        body in prop_oneof![bodies(), prop::collection::vec(any::<u8>(), 0..200)],
        retry_after in prop::option::of(any::<String>()),
    ) {
        let response = RawResponse { retry_after, ..answer(status, body) };
        for definition in [ProviderDefinition::eagle_eye(), ProviderDefinition::oauth2()] {
            match definition.read(&response) {
                TokenOutcome::Granted(tokens) => {
                    prop_assert!((200..300).contains(&status));
                    prop_assert!(!tokens.access_token.expose().trim().is_empty());
                    prop_assert!(tokens.refresh_token.is_none_or(|token| !token.expose().is_empty()));
                    prop_assert!(tokens.expires_in.is_none_or(|span| span.subsec_nanos() == 0));
                }
                TokenOutcome::Failed(failure) => prop_assert_eq!(failure.http_status, Some(status)),
            }
        }
    }
}

#[test]
fn what_may_be_a_token_is_not_kept_as_a_code() {
    for (echoed, kept) in [
        ("invalid_grant", true),
        ("BAD_REFRESH_TOKEN", true),
        ("w1P0nwA7NEZmo5tEd76cco3y5bi4Js6Q", false),
        ("eyJhbGciOiJIUzI1NiJ9", false),
        ("abc123", false),
    ] {
        assert_eq!(super::is_code(echoed), kept, "{echoed}");
    }
}
