//! Secret newtypes: no `Display`, `Clone` or `Serialize`; `Debug` is redacted; memory is wiped on drop.
//!
//! What they cannot reach: buffers of the HTTP and gRPC libraries that carried the bytes in or out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{CryptoError, Entropy, KeyPurpose, sha256};

/// A value that is only ever stored sealed. The type says under which field name and key.
pub trait Secret: Sized {
    /// The field name that is bound into the seal.
    const FIELD: &'static str;
    /// Which of the tenant's data keys seals it.
    const PURPOSE: KeyPurpose;

    /// The bytes to seal.
    fn expose_bytes(&self) -> &[u8];

    /// Back from opened bytes. Fails with [`CryptoError::Malformed`] if they are not of this type.
    fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError>;
}

/// The type of a secret as a value, for code that re-seals secrets of every type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecretType {
    field: &'static str,
    purpose: KeyPurpose,
}

impl SecretType {
    /// The value for `T`.
    pub const fn of<T: Secret>() -> Self {
        Self { field: T::FIELD, purpose: T::PURPOSE }
    }

    /// The field name that is bound into the seal.
    pub fn field(self) -> &'static str {
        self.field
    }

    /// Which of the tenant's data keys seals it.
    pub fn purpose(self) -> KeyPurpose {
        self.purpose
    }
}

macro_rules! secret_text {
    ($(#[$doc:meta])* $name:ident, $field:literal, $purpose:ident) => {
        $(#[$doc])*
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes ownership of the text.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The text itself. Whoever calls this is where the secret leaves its wrapping.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }

        impl Secret for $name {
            const FIELD: &'static str = $field;
            const PURPOSE: KeyPurpose = KeyPurpose::$purpose;

            fn expose_bytes(&self) -> &[u8] {
                self.0.as_bytes()
            }

            fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError> {
                let text = std::str::from_utf8(&bytes).map_err(|_| CryptoError::Malformed)?;
                Ok(Self::new(text))
            }
        }
    };
}

secret_text!(
    /// What an API call is authorised with (RFC 6749 §1.4).
    AccessToken, "access_token", Access
);
secret_text!(
    /// What obtains the next access token (RFC 6749 §1.5).
    RefreshToken, "refresh_token", Rotation
);
secret_text!(
    /// A confidential client's password at the authorization server (RFC 6749 §2.3.1).
    ClientSecret, "client_secret", Rotation
);
secret_text!(
    /// A one-time authorization code (RFC 6749 §1.3.1).
    AuthorizationCode, "authorization_code", Rotation
);
secret_text!(
    /// The PKCE code verifier (RFC 7636 §4.1).
    CodeVerifier, "code_verifier", Rotation
);
secret_text!(
    /// The `state` of one authorization request (RFC 6749 §10.12): 256 bits, used once.
    AuthorizationState, "authorization_state", Rotation
);

secret_text!(
    /// What the broker's callback page gives the browser in place of the authorization code: 256 bits, used once.
    CompletionCode, "completion_code", Rotation
);
secret_text!(
    /// The identifying half of a pair that authorises API calls without OAuth.
    ApiKeyId, "api_key_id", Access
);
secret_text!(
    /// The secret half of a pair that authorises API calls without OAuth.
    ApiKeySecret, "api_key_secret", Access
);

secret_text!(
    /// The URL a provider sent the browser back to: it holds a code and a state.
    CallbackUrl, "callback_url", Rotation
);

secret_text!(
    /// What a device authorization is polled with (RFC 8628 §3.2).
    DeviceCode, "device_code", Rotation
);
secret_text!(
    /// What a user enters on another device, or the link that has it in it (RFC 8628 §3.2).
    UserCode, "user_code", Rotation
);

impl CodeVerifier {
    /// A fresh verifier of 256 bits, 43 characters (RFC 7636 §4.1).
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random_text(entropy))
    }

    /// The S256 challenge of this verifier (RFC 7636 §4.2). Not secret.
    pub fn challenge_s256(&self) -> String {
        URL_SAFE_NO_PAD.encode(sha256(self.expose_bytes()))
    }
}

impl AuthorizationState {
    /// A fresh state of 256 bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random_text(entropy))
    }

    /// What the store keeps instead of the state, to find the authorization by.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.expose_bytes())
    }
}

impl CompletionCode {
    /// A fresh code of 256 bits.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(random_text(entropy))
    }

    /// What the store keeps instead of the code.
    pub fn digest(&self) -> [u8; 32] {
        sha256(self.expose_bytes())
    }

    /// Whether `digest` is this code's. Takes the same time wherever they differ.
    pub fn has_digest(&self, digest: &[u8; 32]) -> bool {
        let differing =
            self.digest().iter().zip(digest).fold(0, |bits, (ours, theirs)| bits | (ours ^ theirs));
        std::hint::black_box(differing) == 0
    }
}

/// The raw body of a token endpoint's answer, kept before it is parsed.
pub struct ProviderResponse(Zeroizing<Vec<u8>>);

impl ProviderResponse {
    /// Takes ownership of the bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes themselves.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for ProviderResponse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProviderResponse([redacted], {} bytes)", self.0.len())
    }
}

impl Secret for ProviderResponse {
    const FIELD: &'static str = "provider_response";
    const PURPOSE: KeyPurpose = KeyPurpose::Rotation;

    fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    fn from_opened(bytes: Zeroizing<Vec<u8>>) -> Result<Self, CryptoError> {
        Ok(Self(bytes))
    }
}

fn random_text(entropy: &dyn Entropy) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    entropy.fill(bytes.as_mut_slice());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", AccessToken::new("hunter2")), "AccessToken([redacted])");
        let body = ProviderResponse::new(b"hunter2".to_vec());
        assert_eq!(format!("{body:?}"), "ProviderResponse([redacted], 7 bytes)");
    }

    #[test]
    fn a_completion_code_is_known_by_its_digest_alone() {
        let code = CompletionCode::generate(&crate::OsEntropy);
        assert!(code.has_digest(&code.digest()));
        for at in [0, 31] {
            let mut other = code.digest();
            other[at] ^= 1;
            assert!(!code.has_digest(&other));
        }
        assert!(!CompletionCode::new("").has_digest(&code.digest()));
    }

    #[test]
    fn challenge_is_the_one_of_rfc_7636_appendix_b() {
        let verifier = CodeVerifier::new("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(verifier.challenge_s256(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_generated_verifier_has_43_unreserved_characters() {
        let verifier = CodeVerifier::generate(&crate::OsEntropy);
        assert_eq!(verifier.expose().len(), 43);
        assert!(verifier.expose().bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b)));
    }
}
