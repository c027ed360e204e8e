//! Data encryption keys: one per tenant and purpose, kept wrapped by a key encryption key.

use std::fmt;
use std::sync::Arc;

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::envelope::Cipher;
use crate::seals::Reserved;
use crate::{
    CryptoError, DekMaterial, Entropy, KekId, Place, SealRight, Sealed, Secret, SecretType, WrappingPlace,
    envelope, wrapping_key,
};

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
    /// A fresh id.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut id = [0u8; 16];
        entropy.fill(&mut id);
        Self(uuid::Builder::from_random_bytes(id).into_uuid())
    }

    /// Back from the 16 bytes a store keeps.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Uuid::from_slice(bytes).ok().map(Self)
    }

    /// The data key an envelope names, from its first 18 bytes; `None` if they are no envelope's.
    pub fn of_envelope_head(head: &[u8]) -> Option<Self> {
        envelope::data_key_id(head).and_then(Self::from_bytes)
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

impl std::str::FromStr for DekId {
    type Err = uuid::Error;

    /// From the text of a UUID.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// A data key as a store keeps it: sealed under a key encryption key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedDek {
    /// Id of the data key.
    pub id: DekId,
    /// What it seals.
    pub purpose: KeyPurpose,
    /// The envelope around the key bytes.
    pub envelope: Vec<u8>,
}

impl WrappedDek {
    /// The key encryption key it is wrapped under; `None` if the envelope is damaged.
    pub fn wrapping_key(&self) -> Option<KekId> {
        wrapping_key(&self.envelope)
    }

    /// What its wrapping is bound to, for a key of `tenant`.
    pub fn place<'a>(&self, tenant: &'a str) -> WrappingPlace<'a> {
        WrappingPlace { tenant, dek: self.id, purpose: self.purpose }
    }
}

/// A data key, opened and ready to use. Wiped on drop.
pub struct DataEncryptionKey {
    id: DekId,
    purpose: KeyPurpose,
    cipher: Cipher,
    reserved: Reserved,
}

impl DataEncryptionKey {
    /// The opened form of `material`. It opens; it seals once seals are reserved for it.
    pub fn from_material(id: DekId, purpose: KeyPurpose, material: &DekMaterial) -> Self {
        Self { id, purpose, cipher: Cipher::new(material.expose()), reserved: Reserved::default() }
    }

    /// Id of this key.
    pub fn id(&self) -> DekId {
        self.id
    }

    /// What this key seals.
    pub fn purpose(&self) -> KeyPurpose {
        self.purpose
    }

    /// Adds a block of seals, which brought the key's count where it is kept to `counted`.
    pub fn add_seals(&self, seals: u64, counted: u64) {
        self.reserved.add(seals, counted);
    }

    /// How many seals the next block should have.
    pub fn next_block(&self) -> u64 {
        self.reserved.next_size()
    }

    /// How many seals are reserved here and not used.
    pub fn seals_left(&self) -> u64 {
        self.reserved.left()
    }

    /// The key's count after the last block that was reserved here; 0 before the first.
    pub fn seals_counted(&self) -> u64 {
        self.reserved.counted()
    }

    /// The right to seal one value; `None` where a block has to be reserved first.
    pub fn take_seal(self: &Arc<Self>) -> Option<SealRight> {
        SealRight::take(self)
    }

    pub(crate) fn reserved(&self) -> &Reserved {
        &self.reserved
    }

    pub(crate) fn seal<T: Secret>(&self, secret: &T, place: Place<'_>, entropy: &dyn Entropy) -> Sealed<T> {
        Sealed::from_bytes(self.seal_bytes(secret.expose_bytes(), SecretType::of::<T>(), place, entropy))
    }

    pub(crate) fn open<T: Secret>(&self, sealed: &Sealed<T>, place: Place<'_>) -> Result<T, CryptoError> {
        T::from_opened(self.open_bytes(sealed.as_bytes(), SecretType::of::<T>(), place)?)
    }

    pub(crate) fn seal_bytes(
        &self,
        secret: &[u8],
        of: SecretType,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Vec<u8> {
        self.cipher.seal(self.id.as_bytes(), secret, &place.associated_data(of.field()), entropy)
    }

    pub(crate) fn open_bytes(
        &self,
        envelope: &[u8],
        of: SecretType,
        place: Place<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.cipher.open(envelope, &place.associated_data(of.field()))
    }
}

impl fmt::Debug for DataEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DataEncryptionKey({}, {})", self.id, self.purpose.as_str())
    }
}
