//! Data encryption keys: one per tenant and purpose, kept wrapped by a key encryption key.

use std::fmt;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::envelope::Cipher;
use crate::{CryptoError, Entropy, Place, Sealed, Secret};

/// What a data key seals. Split so that a process which only vends never holds the key of refresh tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyPurpose {
    /// Access tokens: all that vending needs.
    Access,
    /// Refresh tokens, client secrets, verifiers and provider responses: what rotation needs.
    Rotation,
}

impl KeyPurpose {
    /// Every purpose; a tenant has one current key of each.
    pub const ALL: [Self; 2] = [Self::Access, Self::Rotation];

    /// The name a store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Access => "access",
            Self::Rotation => "rotation",
        }
    }

    /// The purpose of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == name)
    }
}

/// Id of a data key; stands in every envelope sealed under it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct DekId(Uuid);

impl DekId {
    /// Back from the 16 bytes a store keeps.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// The 16 bytes to keep.
    pub fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for DekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for DekId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DekId({})", self.0)
    }
}

/// A data key as a store keeps it: sealed under a key encryption key.
#[derive(Debug, Clone)]
pub struct WrappedDek {
    /// Id of the data key.
    pub id: DekId,
    /// What it seals.
    pub purpose: KeyPurpose,
    /// The envelope around the key bytes.
    pub envelope: Vec<u8>,
}

/// A data key, opened and ready to use. Wiped on drop.
pub struct DataEncryptionKey {
    id: DekId,
    purpose: KeyPurpose,
    cipher: Cipher,
}

impl DataEncryptionKey {
    pub(crate) fn from_key(id: DekId, purpose: KeyPurpose, key: &[u8; 32]) -> Self {
        Self { id, purpose, cipher: Cipher::new(key) }
    }

    pub(crate) fn generate_key(entropy: &dyn Entropy) -> (DekId, Zeroizing<[u8; 32]>) {
        let mut id = [0u8; 16];
        entropy.fill(&mut id);
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(key.as_mut_slice());
        (DekId(uuid::Builder::from_random_bytes(id).into_uuid()), key)
    }

    /// Id of this key.
    pub fn id(&self) -> DekId {
        self.id
    }

    /// What this key seals.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    pub(crate) fn seal<T: Secret>(&self, secret: &T, place: Place<'_>, entropy: &dyn Entropy) -> Sealed<T> {
        let aad = place.associated_data(T::FIELD);
        Sealed::from_bytes(self.cipher.seal(self.id.as_bytes(), secret.expose_bytes(), &aad, entropy))
    }

    pub(crate) fn open<T: Secret>(&self, sealed: &Sealed<T>, place: Place<'_>) -> Result<T, CryptoError> {
        let aad = place.associated_data(T::FIELD);
        T::from_opened(self.cipher.open(sealed.as_bytes(), &aad)?)
    }
}

impl fmt::Debug for DataEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataEncryptionKey({}, {})", self.id, self.purpose.as_str())
    }
}
