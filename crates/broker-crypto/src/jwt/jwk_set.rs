//! The keys an issuer publishes (RFC 7517 section 5).

use serde::Deserialize;

use super::Algorithm;
use super::jwk::{Jwk, PublishedKey};
use super::refusal::TokenRefused;

/// More keys than any issuer has; each may cost a verification.
const MOST_KEYS: usize = 64;

/// The usable keys of one issuer: at least one.
#[derive(Debug, PartialEq)]
pub struct JwkSet {
    keys: Vec<Jwk>,
    skipped: Vec<String>,
}

/// Why a document is not taken for an issuer's keys.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum JwkSetError {
    /// No JSON object with a list `keys`, or a member of a key is of the wrong type or there twice.
    #[error("not a JSON web key set: line {line}, column {column}")]
    Malformed {
        /// One-based.
        line: usize,
        /// One-based.
        column: usize,
    },
    /// More than 64 keys.
    #[error("more than {MOST_KEYS} keys")]
    TooMany,
    /// Not one of the keys can verify a signature.
    #[error("no key in it can verify a signature{}", list(.0))]
    NoUsableKey(Vec<String>),
}

fn list(reasons: &[String]) -> String {
    reasons.iter().map(|reason| format!("; {reason}")).collect()
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<PublishedKey>,
}

impl JwkSet {
    /// Reads a document. Keys that cannot verify a signature are skipped (RFC 7517 section 5), see
    /// [`skipped`](Self::skipped); without one that can it is refused.
    pub fn parse(json: &[u8]) -> Result<Self, JwkSetError> {
        let document: Document = serde_json::from_slice(json)
            .map_err(|error| JwkSetError::Malformed { line: error.line(), column: error.column() })?;
        if document.keys.len() > MOST_KEYS {
            return Err(JwkSetError::TooMany);
        }
        let (mut keys, mut skipped) = (Vec::new(), Vec::new());
        for published in document.keys {
            // Quoted: the text comes from elsewhere and goes into logs.
            let name = format!("{:?} {:?}", published.kty, published.kid.as_deref().unwrap_or("(no kid)"));
            match published.check() {
                Ok(key) => keys.push(key),
                Err(problem) => skipped.push(format!("key {name}: {problem}")),
            }
        }
        if keys.is_empty() { Err(JwkSetError::NoUsableKey(skipped)) } else { Ok(Self { keys, skipped }) }
    }

    /// Which keys are not used, and why.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// Whether a key of this set made the signature.
    ///
    /// A `kid` names a key; of two keys with the same `kid` either may have signed, as the issuer says of both that they
    /// are its own (RFC 7517 section 4.5). A token without `kid` is accepted where one key alone comes into question.
    pub(super) fn verify(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), TokenRefused> {
        let named = |key: &&Jwk| kid.is_none() || key.kid.as_deref() == kid;
        if !self.keys.iter().any(|key| named(&key)) {
            return Err(TokenRefused::UnknownKey);
        }
        let fitting: Vec<_> = self.keys.iter().filter(named).filter(|key| key.fits(algorithm)).collect();
        match fitting.as_slice() {
            [] => Err(TokenRefused::KeyDoesNotFit),
            [_, _, ..] if kid.is_none() => Err(TokenRefused::NoKeyNamed),
            keys if keys.iter().any(|key| key.verifies(algorithm, message, signature)) => Ok(()),
            _ => Err(TokenRefused::BadSignature),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;
    use crate::jwt::testing::TestKey;

    fn rsa() -> Value {
        TestKey::rs256("rsa").jwk()
    }

    fn with(mut jwk: Value, member: &str, value: Value) -> Value {
        jwk[member] = value;
        jwk
    }

    fn parse(keys: &[Value]) -> Result<JwkSet, JwkSetError> {
        JwkSet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn problem(jwk: Value) -> String {
        let refused = parse(&[jwk]).unwrap_err();
        assert!(matches!(&refused, JwkSetError::NoUsableKey(reasons) if reasons.len() == 1), "{refused}");
        refused.to_string()
    }

    #[test]
    fn a_key_that_cannot_verify_is_skipped_with_its_reason() {
        let es256 = || TestKey::es256("ec").jwk();
        for (jwk, told) in [
            (json!({ "kty": "oct", "k": "c2VjcmV0", "alg": "HS256" }), "a secret"),
            (json!({ "kty": "oct", "alg": "HS256" }), "`alg` is no signature"),
            (with(rsa(), "d", json!("AQAB")), "a secret"),
            (with(rsa(), "use", json!("enc")), "`use`"),
            (with(rsa(), "key_ops", json!(["encrypt"])), "`key_ops`"),
            (with(rsa(), "alg", json!("ES256")), "does not go with its kind"),
            (with(rsa(), "alg", json!("RSA-OAEP")), "`alg` is no signature"),
            (with(rsa(), "crv", json!("P-256")), "not supported"),
            (with(rsa(), "n", Value::Null), "missing"),
            (with(rsa(), "n", json!("a b")), "base64url"),
            (with(rsa(), "n", json!("AQAB")), "2048"),
            (with(rsa(), "e", json!("AQ")), "exponent"),
            (with(rsa(), "e", json!("Aw")), "exponent"),
            (with(rsa(), "e", json!("AQAA")), "exponent"),
            (with(rsa(), "e", json!("AAEAAQ")), "begins with a zero"),
            (with(rsa(), "e", json!("AQAAAAE")), "exponent"),
            (with(es256(), "alg", json!("ES384")), "does not go with its kind"),
            (with(es256(), "crv", json!("secp256k1")), "not supported"),
            (with(es256(), "crv", json!("P-384")), "another length"),
            (with(TestKey::ed25519("ed").jwk(), "x", json!("AQAB")), "another length"),
        ] {
            let told_instead = problem(jwk.clone());
            assert!(told_instead.contains(told), "{jwk}: {told_instead}");
        }
    }

    #[test]
    fn a_modulus_that_begins_with_a_zero_byte_is_skipped() {
        use base64::Engine as _;
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        let modulus = URL_SAFE_NO_PAD.decode(rsa()["n"].as_str().unwrap()).unwrap();
        let padded = URL_SAFE_NO_PAD.encode([&[0], modulus.as_slice()].concat());
        assert!(problem(with(rsa(), "n", json!(padded))).contains("begins with a zero"));
        // 2040 bits.
        let short = URL_SAFE_NO_PAD.encode(&modulus[1..]);
        assert!(problem(with(rsa(), "n", json!(short))).contains("2048"));
    }

    #[test]
    fn the_usable_keys_are_used_beside_those_that_are_not() {
        let set = parse(&[json!({ "kty": "AKP", "kid": "new\nkind" }), rsa()]).unwrap();
        assert_eq!((set.keys.len(), set.skipped().len()), (1, 1));
        assert!(!set.skipped()[0].contains('\n'), "{:?}", set.skipped());
    }

    #[test]
    fn what_is_no_key_set_is_refused() {
        for bad in ["", "{}", "[]", "null", "{\"keys\": {}}", "{\"keys\": [{}]}", "{\"keys\": [1]}"] {
            let refused = JwkSet::parse(bad.as_bytes()).unwrap_err();
            assert!(matches!(refused, JwkSetError::Malformed { .. }), "{bad}: {refused}");
        }
        for (twice, told) in [
            ("{\"keys\": [], \"keys\": []}", "line 1"),
            ("{\"keys\": [{\"kty\": \"RSA\", \"n\": \"AQAB\", \"n\": \"AQAC\"}]}", "line 1"),
        ] {
            assert!(JwkSet::parse(twice.as_bytes()).unwrap_err().to_string().contains(told));
        }
        assert_eq!(parse(&[]).unwrap_err(), JwkSetError::NoUsableKey(Vec::new()));
        assert_eq!(parse(&vec![rsa(); MOST_KEYS + 1]).unwrap_err(), JwkSetError::TooMany);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(JwkSet::parse(&bytes).is_err());
        }
    }
}
