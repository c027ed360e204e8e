//! Callers who show a bearer token.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use broker_crypto::jwt::testing::{TestKey, hs256, jwks, unsecured};
use broker_proto::v1::GetAccessTokenRequest;
use broker_proto::v1::token_service_client::TokenServiceClient;
use serde_json::{Value, json};
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use super::caller::Reception::{Known, Unknown};
use super::setting::{Setting, until};

pub(super) const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// Seconds since the Unix epoch.
#[expect(clippy::disallowed_methods, reason = "the broker under test runs on the machine's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// What a Kubernetes API server puts into a projected token.
pub(super) fn claims() -> Value {
    json!({
        "iss": ISSUER,
        "aud": ["token-broker"],
        "sub": "system:serviceaccount:prod:recorder",
        "iat": now(),
        "nbf": now(),
        "exp": now() + 3600,
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

/// A broker who reads the keys of one issuer from a file.
async fn start(keys: &[&TestKey]) -> Setting {
    Setting::start(|at| {
        fs::write(at.join("jwks.json"), jwks(keys)).unwrap();
        let auth = format!(
            "[auth]\nmode = \"jwt\"\n[[auth.jwt]]\nissuer = \"{ISSUER}\"\naudiences = [\"token-broker\"]\n\
             jwks_file = \"{}/jwks.json\"\nalgorithms = [\"RS256\", \"ES256\", \"EdDSA\"]\njwks_refresh = \"1s\"",
            at.display()
        );
        (auth, String::new())
    })
    .await
}

#[tokio::test]
async fn a_token_of_the_issuer_makes_a_caller_known() {
    let keys = [TestKey::rs256("rsa"), TestKey::es256("ec"), TestKey::ed25519("ed")];
    let setting = start(&keys.each_ref()).await;
    for key in &keys {
        let caller = setting.caller().with_token(key.sign(&claims()));
        let channel = caller.channel(setting.grpc());
        // The second time it is remembered.
        for _ in 0..2 {
            assert_eq!(caller.call_over(channel.clone()).await, Known);
        }
    }
    setting.end().await;
}

#[tokio::test]
async fn without_a_token_health_answers_and_nothing_else() {
    let setting = start(&[&TestKey::es256("a")]).await;
    let channel = setting.caller().channel(setting.grpc());
    assert_eq!(setting.caller().call_over(channel.clone()).await, Unknown);
    HealthClient::new(channel.clone()).check(HealthCheckRequest::default()).await.unwrap();
    let refused = TokenServiceClient::new(channel).get_access_token(GetAccessTokenRequest::default()).await;
    let refused = refused.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "before anything of the request is looked at");
    assert!(!refused.message().contains("metadata"), "why is for the log alone: {refused}");
    setting.end().await;
}

#[tokio::test]
async fn a_token_that_does_not_hold_makes_nobody_known() {
    let (rsa, ec) = (TestKey::rs256("rsa"), TestKey::es256("ec"));
    let setting = start(&[&rsa, &ec]).await;
    let published = fs::read(setting.at("jwks.json")).unwrap();
    let modulus = URL_SAFE_NO_PAD.decode(rsa.jwk()["n"].as_str().unwrap()).unwrap();
    let good = ec.sign(&claims());
    // 64 bytes leave four bits to the last character: A, Q, g or w.
    let (most, last) = good.split_at(good.len() - 1);
    let forged = format!("{most}{}", if last == "A" { "Q" } else { "A" });
    let mistaken = [
        ("alg=none", unsecured(&claims()), "an algorithm that is not allowed"),
        ("HS256 with the key set", hs256("rsa", &claims(), &published), "an algorithm that is not allowed"),
        ("HS256 with the modulus", hs256("rsa", &claims(), &modulus), "an algorithm that is not allowed"),
        ("PS256", TestKey::ps256("rsa").sign(&claims()), "an algorithm that is not allowed"),
        ("another key of that name", TestKey::es256("ec").sign(&claims()), "does not verify"),
        ("an unknown key", TestKey::es256("new").sign(&claims()), "does not publish"),
        ("another audience", ec.sign(&with("aud", json!("vault"))), "another audience"),
        (
            "another issuer",
            ec.sign(&with("iss", json!("https://evil.example"))),
            "an issuer that is not configured",
        ),
        ("expired", ec.sign(&with("exp", json!(now() - 60))), "has expired"),
        ("not yet valid", ec.sign(&with("nbf", json!(now() + 60))), "not valid yet"),
        ("of the future", ec.sign(&with("iat", json!(now() + 60))), "an impossible time"),
        ("nobody's", ec.sign(&with("sub", json!(""))), "no claim that names the caller"),
        ("changed", forged, "does not verify"),
        ("none", "x".to_owned(), "malformed"),
        ("endless", "x".repeat(9000), "too long"),
    ];
    for (what, token, why) in mistaken {
        let caller = setting.caller().with_token(&token);
        assert_eq!(caller.call(setting.grpc()).await, Unknown, "{what}");
        until(&format!("{what}: {why}"), async || setting.log().contains(why)).await;
        assert!(token.len() < 10 || !setting.log().contains(&token), "{what}: the token is in the log");
    }
    assert_eq!(setting.caller().with_token(good).call(setting.grpc()).await, Known);
    setting.end().await;
}

#[tokio::test]
async fn swapped_keys_make_nobody_known() {
    let (old, new) = (TestKey::es256("a"), TestKey::es256("a"));
    let setting = start(&[&old]).await;
    let caller = setting.caller().with_token(old.sign(&claims()));
    let channel = caller.channel(setting.grpc());
    assert_eq!(caller.call_over(channel.clone()).await, Known);
    fs::write(setting.at("jwks.json"), jwks(&[&new])).unwrap();
    until("the end of the old key", async || caller.call_over(channel.clone()).await == Unknown).await;
    assert_eq!(setting.caller().with_token(new.sign(&claims())).call(setting.grpc()).await, Known);
    setting.end().await;
}

#[tokio::test]
async fn keys_that_cannot_be_read_leave_those_that_could() {
    let key = TestKey::es256("a");
    let setting = start(&[&key]).await;
    let caller = setting.caller().with_token(key.sign(&claims()));
    let stale = format!("jwks {ISSUER}: cannot be read anew");
    assert!(!setting.page("/readyz").await.contains(&stale));
    fs::write(setting.at("jwks.json"), "<html>moved</html>").unwrap();
    until("the complaint", async || setting.page("/readyz").await.contains(&stale)).await;
    assert_eq!(caller.call(setting.grpc()).await, Known);
    let metrics = setting.page("/metrics").await;
    assert!(
        metrics.contains(&format!("token_broker_credential_fresh{{credential=\"jwks {ISSUER}\"}} 0")),
        "{metrics}"
    );
    assert!(setting.log().contains("cannot be read"));
    setting.end().await;
}
