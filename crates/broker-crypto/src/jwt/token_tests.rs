use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{TestKey, hs256, jwks, unsecured};
use super::*;

const NOW: i64 = 1_700_000_000;
const LEEWAY: i64 = 30;

fn rules() -> TokenRules {
    TokenRules {
        issuer: "https://issuer.example".to_owned(),
        audiences: vec!["token-broker".to_owned(), "https://broker.example".to_owned()],
        algorithms: Algorithm::ALL.to_vec(),
        leeway: LEEWAY,
        subject_claim: "sub".to_owned(),
    }
}

/// What a Kubernetes API server puts into a projected token, as far as it matters.
fn claims() -> Value {
    json!({
        "iss": "https://issuer.example",
        "aud": ["token-broker"],
        "sub": "system:serviceaccount:prod:recorder",
        "iat": NOW - 60,
        "nbf": NOW - 60,
        "exp": NOW + 3600,
        "kubernetes.io": { "namespace": "prod", "serviceaccount": { "name": "recorder", "uid": "1" } },
    })
}

fn with(member: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[member] = value;
    claims
}

fn without(member: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(member);
    claims
}

fn set(keys: &[&TestKey]) -> JwkSet {
    JwkSet::parse(jwks(keys).as_bytes()).unwrap()
}

fn verify(token: &str, keys: &[&TestKey]) -> Result<Verified, TokenRefused> {
    SignedToken::parse(token)?.verify(&set(keys), &rules(), NOW)
}

#[test]
fn a_token_of_every_kind_of_key_is_verified() {
    for key in [TestKey::rs256("a"), TestKey::ps256("a"), TestKey::es256("a"), TestKey::ed25519("a")] {
        let token = key.sign(&claims());
        assert_eq!(SignedToken::parse(&token).unwrap().claimed_issuer(), Some("https://issuer.example"));
        let verified = verify(&token, &[&TestKey::es256("other"), &key]).unwrap();
        assert_eq!(verified.subject, "system:serviceaccount:prod:recorder");
        assert_eq!(verified.expires_at, NOW + 3600 + LEEWAY);
    }
}

#[test]
fn the_examples_of_the_standards_are_verified() {
    // RFC 7515 appendix A.3 (ES256) and RFC 8037 appendix A.4 (EdDSA), whose payload are no claims: the signature is.
    let es256 = json!({ "keys": [{ "kty": "EC", "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }] });
    let token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19\
                 yb290Ijp0cnVlfQ.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
    let keys = JwkSet::parse(es256.to_string().as_bytes()).unwrap();
    let joe = TokenRules { issuer: "joe".to_owned(), ..rules() };
    // The signature is checked before anything else: what comes after it shows that it was good.
    assert_eq!(SignedToken::parse(token).unwrap().verify(&keys, &joe, NOW), Err(TokenRefused::WrongAudience));

    let eddsa = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519",
        "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }] });
    let keys = JwkSet::parse(eddsa.to_string().as_bytes()).unwrap();
    let (signed, signature) = (
        "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
    );
    let signature =
        base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, signature).unwrap();
    keys.verify(None, Algorithm::EdDsa, signed.as_bytes(), &signature).unwrap();
}

#[test]
fn a_token_that_nobody_signed_is_refused() {
    let key = TestKey::rs256("a");
    assert_eq!(verify(&unsecured(&claims()), &[&key]), Err(TokenRefused::AlgorithmNotAllowed));
    for none in ["none", "None", "NONE", ""] {
        let header = json!({ "alg": none, "kid": "a" });
        assert_eq!(
            verify(&key.sign_with(&header, &claims()), &[&key]),
            Err(TokenRefused::AlgorithmNotAllowed)
        );
    }
}

#[test]
fn a_public_key_is_no_shared_secret() {
    let key = TestKey::rs256("a");
    let jwk = key.jwk();
    let modulus = jwk["n"].as_str().unwrap();
    for secret in [modulus.as_bytes(), jwks(&[&key]).as_bytes()] {
        let forged = hs256("a", &claims(), secret);
        assert_eq!(verify(&forged, &[&key]), Err(TokenRefused::AlgorithmNotAllowed));
    }
}

#[test]
fn only_the_algorithms_of_the_issuer_are_accepted() {
    let key = TestKey::ps256("a");
    let token = key.sign(&claims());
    let pinned = TokenRules { algorithms: vec![Algorithm::Rs256, Algorithm::Es256], ..rules() };
    let verified = SignedToken::parse(&token).unwrap().verify(&set(&[&key]), &pinned, NOW);
    assert_eq!(verified, Err(TokenRefused::AlgorithmNotAllowed));
}

#[test]
fn a_key_is_used_with_its_own_kind_of_algorithm_only() {
    let (rsa, ec) = (TestKey::rs256("rsa"), TestKey::es256("ec"));
    let crossed = ec.sign_with(&json!({ "alg": "ES256", "kid": "rsa" }), &claims());
    assert_eq!(verify(&crossed, &[&rsa, &ec]), Err(TokenRefused::KeyDoesNotFit));
    let mut only_pss = rsa.jwk();
    only_pss["alg"] = json!("PS256");
    let keys = JwkSet::parse(json!({ "keys": [only_pss] }).to_string().as_bytes()).unwrap();
    let token = rsa.sign(&claims());
    let verified = SignedToken::parse(&token).unwrap().verify(&keys, &rules(), NOW);
    assert_eq!(verified, Err(TokenRefused::KeyDoesNotFit));
}

#[test]
fn a_key_is_found_by_its_name() {
    let (old, new) = (TestKey::es256("old"), TestKey::es256("new"));
    assert!(verify(&new.sign(&claims()), &[&old, &new]).is_ok());
    assert_eq!(verify(&new.sign(&claims()), &[&old]), Err(TokenRefused::UnknownKey));
    let misnamed = new.sign_with(&json!({ "alg": "ES256", "kid": "old" }), &claims());
    assert_eq!(verify(&misnamed, &[&old, &new]), Err(TokenRefused::BadSignature));
    // Swapped: the name stays, the key is another.
    assert_eq!(verify(&old.sign(&claims()), &[&TestKey::es256("old")]), Err(TokenRefused::BadSignature));
}

#[test]
fn either_of_two_keys_of_one_name_may_have_signed() {
    let (one, other) = (TestKey::es256("same"), TestKey::es256("same"));
    for key in [&one, &other] {
        assert!(verify(&key.sign(&claims()), &[&one, &other]).is_ok());
    }
    let stranger = TestKey::es256("same");
    assert_eq!(verify(&stranger.sign(&claims()), &[&one, &other]), Err(TokenRefused::BadSignature));
}

#[test]
fn without_a_name_the_key_must_be_beyond_doubt() {
    let (ec, another, rsa) = (TestKey::es256("ec"), TestKey::es256("another"), TestKey::rs256("rsa"));
    let token = ec.sign_with(&json!({ "alg": "ES256" }), &claims());
    assert!(verify(&token, &[&ec, &rsa]).is_ok());
    assert_eq!(verify(&token, &[&ec, &another]), Err(TokenRefused::NoKeyNamed));
    assert_eq!(verify(&token, &[&rsa]), Err(TokenRefused::KeyDoesNotFit));
}

#[test]
fn what_the_header_demands_or_says_it_is() {
    let key = TestKey::es256("a");
    let verify_with = |more: Value| {
        let mut header = json!({ "alg": "ES256", "kid": "a" });
        header.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        verify(&key.sign_with(&header, &claims()), &[&key]).map(|_| ())
    };
    for fine in ["JWT", "jwt", "at+jwt", "application/at+jwt"] {
        assert_eq!(verify_with(json!({ "typ": fine })), Ok(()));
    }
    for other in ["logout+jwt", "dpop+jwt", "JWE", ""] {
        assert_eq!(verify_with(json!({ "typ": other })), Err(TokenRefused::WrongType));
    }
    for critical in [json!(["b64"]), json!([]), json!("exp")] {
        assert_eq!(verify_with(json!({ "crit": critical })), Err(TokenRefused::Critical));
    }
    // A key the token brings along is not even looked at.
    let stranger = TestKey::es256("stranger");
    let header =
        json!({ "alg": "ES256", "kid": "stranger", "jwk": stranger.jwk(), "jku": "https://evil.example" });
    assert_eq!(verify(&stranger.sign_with(&header, &claims()), &[&key]), Err(TokenRefused::UnknownKey));
}

#[test]
fn claims_are_what_the_rules_say() {
    let key = TestKey::es256("a");
    let malformed = |claims| matches!(verify(&key.sign(&claims), &[&key]), Err(TokenRefused::Malformed(_)));
    for (claims, refused) in [
        (with("iss", json!("https://issuer.example/")), TokenRefused::WrongIssuer),
        (without("iss"), TokenRefused::WrongIssuer),
        (with("aud", json!("other")), TokenRefused::WrongAudience),
        (with("aud", json!(["other", "token-broker2"])), TokenRefused::WrongAudience),
        (with("aud", json!([])), TokenRefused::WrongAudience),
        (without("aud"), TokenRefused::WrongAudience),
        (with("exp", json!(NOW - LEEWAY)), TokenRefused::Expired),
        (with("nbf", json!(NOW + LEEWAY + 1)), TokenRefused::NotYetValid),
        (with("iat", json!(NOW + LEEWAY + 1)), TokenRefused::ImpossibleTime),
        (with("iat", json!(NOW + 3601)), TokenRefused::ImpossibleTime),
        (without("sub"), TokenRefused::NoSubject),
        (with("sub", json!("")), TokenRefused::NoSubject),
        (with("sub", json!(7)), TokenRefused::NoSubject),
    ] {
        assert_eq!(verify(&key.sign(&claims), &[&key]), Err(refused), "{claims}");
    }
    for (name, value) in [
        ("exp", json!("soon")),
        ("exp", json!(-1)),
        ("exp", json!(1e300)),
        ("exp", Value::Null),
        ("nbf", json!("now")),
        ("iat", json!([1])),
        ("aud", json!({ "a": 1 })),
        ("aud", json!(["token-broker", 1])),
    ] {
        assert!(malformed(with(name, value.clone())), "{name} {value}");
    }
    assert!(malformed(without("exp")), "a token that never expires");
}

#[test]
fn clocks_may_be_off_by_the_leeway() {
    let key = TestKey::es256("a");
    for claims in [
        with("exp", json!(NOW - LEEWAY + 1)),
        with("exp", json!(NOW as f64 + 0.5)),
        with("nbf", json!(NOW + LEEWAY)),
        with("iat", json!(NOW + LEEWAY)),
        without("nbf"),
        without("iat"),
        with("aud", json!("https://broker.example")),
    ] {
        verify(&key.sign(&claims), &[&key]).unwrap();
    }
}

#[test]
fn another_claim_may_name_the_caller() {
    let key = TestKey::es256("a");
    let token = key.sign(&with("client_id", json!("recorder")));
    let by_client = TokenRules { subject_claim: "client_id".to_owned(), ..rules() };
    let verified = SignedToken::parse(&token).unwrap().verify(&set(&[&key]), &by_client, NOW).unwrap();
    assert_eq!(verified.subject, "recorder");
}

#[test]
fn what_is_no_token_is_refused() {
    let key = TestKey::es256("a");
    let good = key.sign(&claims());
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let encode = |text: &str| base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let twice = encode(r#"{"iss":"https://issuer.example","iss":"https://issuer.example","exp":1}"#);
    for bad in [
        String::new(),
        "a.b.c".to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}.{signature}.{signature}"),
        format!("{head}.{body}.{signature}="),
        format!("{head}.{body}. {signature}"),
        format!("{}.{body}.{signature}", encode("[]")),
        format!("{}.{body}.{signature}", encode("{}")),
        format!("{}.{body}.{signature}", encode(r#"{"alg":"ES256","alg":"ES256"}"#)),
        format!("{head}.{}.{signature}", encode("7")),
        format!("{head}.{twice}.{signature}"),
    ] {
        let refused = SignedToken::parse(&bad).err().unwrap();
        assert!(matches!(refused, TokenRefused::Malformed(_)), "{bad}: {refused:?}");
    }
    let long = format!("{good}{}", "A".repeat(LONGEST_TOKEN));
    assert_eq!(SignedToken::parse(&long).err(), Some(TokenRefused::TooLong));
}

proptest! {
    #[test]
    fn a_token_with_any_other_byte_never_verifies(at in any::<prop::sample::Index>(), byte in any::<u8>(), kind in 0..3) {
        let key = match kind { 0 => TestKey::rs256("a"), 1 => TestKey::es256("a"), _ => TestKey::ed25519("a") };
        let good = key.sign(&claims());
        let mut bytes = good.clone().into_bytes();
        let at = at.index(bytes.len());
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        if let Ok(token) = String::from_utf8(bytes) {
            prop_assert!(verify(&token, &[&key]).is_err(), "{}", token);
        }
    }

    #[test]
    fn a_token_that_lost_or_gained_something_never_verifies(at in any::<prop::sample::Index>(), more in "[A-Za-z0-9_.-]{1,4}") {
        let key = TestKey::es256("a");
        let good = key.sign(&claims());
        let at = at.index(good.len());
        prop_assert!(verify(&good[..at], &[&key]).is_err());
        let longer = [&good[..at], &more, &good[at..]].concat();
        prop_assert!(verify(&longer, &[&key]).is_err());
    }

    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,200}") {
        prop_assert!(verify(&text, &[&TestKey::es256("a")]).is_err());
    }
}
