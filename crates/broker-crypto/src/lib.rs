//! The only door to cryptography.
//!
//! Secrets are newtypes that cannot be printed, cloned or serialised ([`secret`]). At rest they are
//! [`Sealed`] under a tenant's [`DataEncryptionKey`], bound by associated data to the [`Place`] they
//! belong to. Data keys are themselves wrapped by whoever holds the key encryption keys ([`KeyEncryption`]: a
//! [`KeyRing`] in this process, or a service), which is envelope encryption. There is no plaintext mode. Tokens that
//! others signed are verified in [`jwt`].

mod dek;
mod digest;
mod entropy;
mod envelope;
mod error;
pub mod jwt;
mod kek;
mod key_encryption;
mod key_encryption_by_purpose;
mod key_encryption_chain;
mod key_ring;
mod mac;
mod place;
mod sealed;
mod seals;
pub mod secret;
mod tenant_keys;
#[cfg(feature = "testing")]
pub mod testing;
mod webhook_secret;

pub use dek::{DataEncryptionKey, DekId, KeyPurpose, WrappedDek};
pub use digest::sha256;
#[cfg(feature = "testing")]
pub use entropy::SeededEntropy;
pub use entropy::{Entropy, OsEntropy};
pub use error::CryptoError;
pub use kek::{KekId, KeyEncryptionKey};
pub use key_encryption::{
    DekMaterial, KeyEncryption, WrappingPlace, generate_dek, service_answer, service_envelope, unwrap_dek,
    wrapping_key,
};
pub use key_encryption_by_purpose::KeyEncryptionByPurpose;
pub use key_encryption_chain::{KeyEncryptionChain, SwappableKeyRing};
pub use key_ring::KeyRing;
pub use mac::MacKey;
pub use place::Place;
pub use sealed::Sealed;
pub use seals::{MOST_SEALS, SEALS_FOR_NEW_WORK, SMALLEST_BLOCK, SealRight, WEARING_OUT};
pub use secret::{
    AccessToken, ApiKeyId, ApiKeySecret, AuthorizationCode, AuthorizationState, CallbackUrl, ClientSecret,
    CodeVerifier, CompletionCode, DeviceCode, ProviderResponse, RefreshToken, Secret, SecretType, UserCode,
};
pub use tenant_keys::TenantKeys;
pub use webhook_secret::WebhookSecret;
