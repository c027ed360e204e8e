//! Issuers for tests: keys that sign, and tokens that are forged.

#![expect(clippy::expect_used, reason = "a test fails by panicking, and this is what tests are made of")]

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
    RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
};
use serde_json::{Value, json};

use super::Algorithm;

/// A test key. It is public, it protects nothing, and nothing else may ever use it.
const TEST_RSA_KEY: &[u8] = include_bytes!("../../testdata/TEST-KEY-not-a-secret.rsa2048.pkcs8.der");

/// A key of an issuer, with its private half.
pub struct TestKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl TestKey {
    /// The one RSA key there is.
    pub fn rs256(kid: &str) -> Self {
        Self::new(kid, Algorithm::Rs256, Pair::Rsa(rsa(), &RSA_PKCS1_SHA256))
    }

    /// The same RSA key, which signs with RSASSA-PSS.
    pub fn ps256(kid: &str) -> Self {
        Self::new(kid, Algorithm::Ps256, Pair::Rsa(rsa(), &RSA_PSS_SHA256))
    }

    /// A fresh key on P-256.
    pub fn es256(kid: &str) -> Self {
        let (random, signing) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let key = EcdsaKeyPair::generate_pkcs8(signing, &random).expect("the system gives random bytes");
        let pair =
            EcdsaKeyPair::from_pkcs8(signing, key.as_ref(), &random).expect("a key that was just made");
        Self::new(kid, Algorithm::Es256, Pair::Ecdsa(pair))
    }

    /// A fresh Ed25519 key.
    pub fn ed25519(kid: &str) -> Self {
        let key =
            Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("the system gives random bytes");
        let pair = Ed25519KeyPair::from_pkcs8(key.as_ref()).expect("a key that was just made");
        Self::new(kid, Algorithm::EdDsa, Pair::Ed25519(pair))
    }

    fn new(kid: &str, algorithm: Algorithm, pair: Pair) -> Self {
        Self { kid: kid.to_owned(), algorithm, pair }
    }

    /// A token with these claims, signed with this key and naming it.
    pub fn sign(&self, claims: &Value) -> String {
        self.sign_with(&json!({ "alg": self.algorithm.as_str(), "kid": self.kid }), claims)
    }

    /// The same with another header.
    pub fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let signed = format!("{}.{}", part(header), part(claims));
        let signature = self.signature(signed.as_bytes());
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature).expect("an RSA key signs");
                signature
            }
            Pair::Ecdsa(pair) => pair.sign(&random, message).expect("an EC key signs").as_ref().to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
        }
    }

    /// The public half as its issuer publishes it.
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Rsa(pair, _) => {
                let public: RsaPublicKeyComponents<Vec<u8>> = pair.public().into();
                json!({ "kty": "RSA", "n": encode(&public.n), "e": encode(&public.e) })
            }
            Pair::Ecdsa(pair) => {
                // 0x04, then both coordinates (SEC 1 section 2.3.3).
                let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
                json!({ "kty": "EC", "crv": "P-256", "x": encode(x), "y": encode(y) })
            }
            Pair::Ed25519(pair) => {
                json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref()) })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk
    }
}

fn rsa() -> Box<RsaKeyPair> {
    Box::new(RsaKeyPair::from_pkcs8(TEST_RSA_KEY).expect("the test key is a PKCS #8 RSA key"))
}

/// The document in which an issuer publishes these keys.
pub fn jwks(keys: &[&TestKey]) -> String {
    json!({ "keys": keys.iter().map(|key| key.jwk()).collect::<Vec<_>>() }).to_string()
}

/// A token that nobody signed (RFC 7519 section 6).
pub fn unsecured(claims: &Value) -> String {
    format!("{}.{}.", part(&json!({ "alg": "none" })), part(claims))
}

/// A token authenticated with a shared secret, as somebody would who takes a public key for one.
pub fn hs256(kid: &str, claims: &Value, secret: &[u8]) -> String {
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256", "kid": kid })), part(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn part(content: &Value) -> String {
    URL_SAFE_NO_PAD.encode(content.to_string())
}
