//! What deliveries to a webhook are signed with, per Standard Webhooks.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::{CryptoError, Entropy, KeyPurpose};

/// Bytes of a secret. The specification asks for 24 to 64.
const LENGTH: usize = 32;

/// The secret that a webhook and its receiver share. Wiped on drop.
pub struct WebhookSecret(Zeroizing<[u8; LENGTH]>);

impl WebhookSecret {
    /// A fresh secret of 256 bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new([0; LENGTH]);
        entropy.fill(bytes.as_mut_slice());
        Self(bytes)
    }

    /// As its receiver is given it: `whsec_` and base64. This is where the secret leaves its wrapping.
    pub fn to_text(&self) -> Zeroizing<String> {
        Zeroizing::new(format!("whsec_{}", STANDARD.encode(self.0.as_slice())))
    }

    /// The signature of one attempt to deliver a message: `v1,` and the base64 of the HMAC-SHA-256 of its id, the time of
    /// the attempt in seconds since 1970, and its body.
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        // Made anew each time: an expanded key could not be wiped.
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        context.update(format!("{id}.{seconds}.").as_bytes());
        context.update(body);
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret([redacted])")
    }
}

impl Secret for WebhookSecret {
    const FIELD: &'static str = "webhook_secret";
    // Whoever delivers rotates too, and nobody else has use for it.
    const PURPOSE: KeyPurpose = KeyPurpose::Rotation;

    fn expose_bytes(&self) -> &[u8] {
        self.0.as_slice()
    }

    fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError> {
        let bytes = <[u8; LENGTH]>::try_from(bytes.as_slice()).map_err(|_| CryptoError::Malformed)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> WebhookSecret {
        WebhookSecret::from_opened(Zeroizing::new(vec![byte; LENGTH])).unwrap()
    }

    /// Computed with Python's `hmac`.
    #[test]
    fn a_signature_is_the_hmac_of_id_time_and_body() {
        let signature = secret(b'k').sign("evt_7", 1_700_000_000, b"{}");
        assert_eq!(signature, "v1,q1ZqTWxj0+PQPkwSshn9PP3u1MuhAspUrBOlViExVAU=");
    }

    #[test]
    fn a_signature_depends_on_all_that_is_signed() {
        let signature = secret(1).sign("evt_7", 7, b"{}");
        for other in [
            secret(2).sign("evt_7", 7, b"{}"),
            secret(1).sign("evt_8", 7, b"{}"),
            secret(1).sign("evt_7", 8, b"{}"),
            secret(1).sign("evt_7", 7, b"[]"),
        ] {
            assert_ne!(signature, other);
        }
    }

    #[test]
    fn it_is_shown_where_it_is_meant_to_be_and_nowhere_else() {
        let text = secret(0).to_text();
        assert_eq!(text.as_str(), "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        assert_eq!(format!("{:?}", secret(0)), "WebhookSecret([redacted])");
    }

    #[test]
    fn bytes_of_another_length_are_no_secret() {
        assert!(WebhookSecret::from_opened(Zeroizing::new(vec![0; 31])).is_err());
    }
}
