//! The door to whoever holds the key encryption keys: this process, or a key management service.

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{CryptoError, DataEncryptionKey, DekId, Entropy, KekId, KeyPurpose, Place, WrappedDek, envelope};

const FIELD: &str = "data_encryption_key";

/// Wraps and unwraps data keys.
#[async_trait]
pub trait KeyEncryption: Send + Sync {
    /// The key that wraps new data keys at present.
    async fn primary(&self) -> Result<KekId, CryptoError>;

    /// The key that wraps new data keys of that purpose, where each has its own.
    async fn primary_for(&self, _purpose: KeyPurpose) -> Result<KekId, CryptoError> {
        self.primary().await
    }

    /// The same, where a service may have made another since it was last asked: for whoever acts on it.
    async fn primary_now(&self) -> Result<KekId, CryptoError> {
        self.primary().await
    }

    /// The keys that can be told apart here; a service knows those it has met since the start.
    fn ids(&self) -> Vec<KekId>;

    /// Whether a key of that name is looked for here.
    fn holds(&self, id: &KekId) -> bool;

    /// Wraps a data key under the primary key. Answers the envelope, which names the key.
    ///
    /// Fails with [`CryptoError::Unavailable`] while a service cannot be used.
    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError>;

    /// Opens an envelope that [`KeyEncryption::wrap`] made for the same place, under any key held.
    ///
    /// Fails with [`CryptoError::UnknownKey`] if its key is not held, and as `wrap`.
    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError>;
}

/// The bytes of a data key on their way into or out of a wrapping. Wiped on drop.
pub struct DekMaterial(Zeroizing<[u8; 32]>);

impl DekMaterial {
    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(key.as_mut_slice());
        Self(key)
    }

    /// Back from opened bytes.
    pub fn from_opened(bytes: &[u8]) -> Result<Self, CryptoError> {
        let key = <[u8; 32]>::try_from(bytes).map_err(|_| CryptoError::Malformed)?;
        Ok(Self(Zeroizing::new(key)))
    }

    /// The bytes themselves. Whoever calls this is where the key leaves its wrapping.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Debug for DekMaterial {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DekMaterial([redacted])")
    }
}

/// What a wrapping is bound to, so that no tenant's row opens as another's and no purpose as another.
#[derive(Debug, Clone, Copy)]
pub struct WrappingPlace<'a> {
    /// The tenant the data key belongs to.
    pub tenant: &'a str,
    /// The data key.
    pub dek: DekId,
    /// What it seals.
    pub purpose: KeyPurpose,
}

impl WrappingPlace<'_> {
    /// The associated data of the wrapping.
    pub fn associated_data(&self) -> Vec<u8> {
        let owner = format!("{}/{}", self.dek, self.purpose.as_str());
        Place { tenant: self.tenant, owner: &owner, generation: 0 }.associated_data(FIELD)
    }
}

/// The key encryption key that an envelope names; `None` if it is damaged.
pub fn wrapping_key(envelope: &[u8]) -> Option<KekId> {
    let kid = envelope::key_id(envelope).ok()?;
    KekId::new(std::str::from_utf8(kid).ok()?)
}

/// The envelope around what a key management service answered under the key `id`.
pub fn service_envelope(id: &KekId, answer: &str) -> Vec<u8> {
    envelope::for_service(id.as_str().as_bytes(), answer.as_bytes())
}

/// What a key management service answered, out of its envelope.
pub fn service_answer(envelope: &[u8]) -> Result<&str, CryptoError> {
    let (_, answer) = envelope::of_service(envelope)?;
    std::str::from_utf8(answer).map_err(|_| CryptoError::Malformed)
}

/// A new data key for `tenant`, wrapped for the store.
pub async fn generate_dek(
    keys: &dyn KeyEncryption,
    tenant: &str,
    purpose: KeyPurpose,
    entropy: &dyn Entropy,
) -> Result<WrappedDek, CryptoError> {
    let (id, material) = (DekId::generate(entropy), DekMaterial::generate(entropy));
    let envelope = keys.wrap(&material, WrappingPlace { tenant, dek: id, purpose }).await?;
    Ok(WrappedDek { id, purpose, envelope })
}

/// Opens a data key of `tenant`.
pub async fn unwrap_dek(
    keys: &dyn KeyEncryption,
    tenant: &str,
    wrapped: &WrappedDek,
) -> Result<DataEncryptionKey, CryptoError> {
    let material = keys.unwrap(&wrapped.envelope, wrapped.place(tenant)).await?;
    Ok(DataEncryptionKey::from_material(wrapped.id, wrapped.purpose, &material))
}
