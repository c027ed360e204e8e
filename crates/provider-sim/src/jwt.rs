//! RS256 JSON web tokens, signed with a fixed test key.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde::Serialize;

/// A test key. It is public, it protects nothing, and nothing else may ever use it.
const TEST_KEY: &[u8] = include_bytes!("../testdata/TEST-KEY-not-a-secret.rsa2048.pkcs8.der");

/// Signs tokens with the test key.
pub(crate) struct Signer {
    key: RsaKeyPair,
}

impl Signer {
    #[expect(
        clippy::expect_used,
        reason = "never fails because the key is part of this crate and a test reads it"
    )]
    pub(crate) fn new() -> Self {
        Self { key: RsaKeyPair::from_pkcs8(TEST_KEY).expect("the test key is a PKCS #8 RSA key") }
    }

    /// A compact JWS (RFC 7515 section 7.1) of the claims.
    #[expect(clippy::expect_used, reason = "never fails because the buffer has the length of the modulus")]
    pub(crate) fn sign(&self, header: &impl Serialize, claims: &impl Serialize) -> String {
        let mut token = format!("{}.{}", part(header), part(claims));
        let mut signature = vec![0; self.key.public().modulus_len()];
        self.key
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), token.as_bytes(), &mut signature)
            .expect("an RSA-2048 key signs");
        token.push('.');
        token.push_str(&URL_SAFE_NO_PAD.encode(signature));
        token
    }
}

/// One part of a compact JWS: base64url of the JSON.
pub(crate) fn part(content: &impl Serialize) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(content).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
    use serde_json::json;

    use super::*;

    #[test]
    fn the_signature_verifies_with_the_public_key() {
        let signer = Signer::new();
        let token = signer.sign(&json!({"alg": "RS256"}), &json!({"sub": "a"}));
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, signer.key.public_key().as_ref());
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        key.verify(signed.as_bytes(), &signature).unwrap();
        assert!(key.verify(b"other", &signature).is_err());
    }
}
