//! Key encryption keys: held outside the store, wrap data keys and nothing else.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::envelope::Cipher;
use crate::{CryptoError, Entropy};

/// Name of a key encryption key: 1 to 64 characters of `A-Z a-z 0-9 . _ -`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KekId(String);

impl KekId {
    /// Checks the name.
    pub fn new(name: &str) -> Option<Self> {
        let fits = (1..=64).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        fits.then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A 256-bit key that wraps data keys. Wiped on drop.
pub struct KeyEncryptionKey {
    id: KekId,
    cipher: Cipher,
}

impl KeyEncryptionKey {
    /// Reads `kid:base64(32 bytes)`; `line` is for the error message.
    pub(crate) fn parse(text: &str, line: usize) -> Result<Self, CryptoError> {
        let bad = |problem| CryptoError::BadKeyMaterial { line, problem };
        let (kid, encoded) = text.split_once(':').ok_or(bad("there is no `:`"))?;
        let id = KekId::new(kid).ok_or(bad("the kid is not 1 to 64 characters of A-Z a-z 0-9 . _ -"))?;
        let bytes = STANDARD.decode(encoded).map(Zeroizing::new).map_err(|_| bad("the key is not base64"))?;
        let key = <&[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| bad("the key is not 32 bytes long"))?;
        Ok(Self { id, cipher: Cipher::new(key) })
    }

    /// Fresh key material as one line `kid:base64(32 bytes)`, for an operator to keep.
    pub fn generate_material(id: &KekId, entropy: &dyn Entropy) -> Zeroizing<String> {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(key.as_mut_slice());
        let encoded = Zeroizing::new(STANDARD.encode(*key));
        Zeroizing::new(format!("{}:{}", id.as_str(), *encoded))
    }

    /// Name of this key.
    pub fn id(&self) -> &KekId {
        &self.id
    }

    pub(crate) fn seal(&self, plaintext: &[u8], place: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        self.cipher.seal(self.id.as_str().as_bytes(), plaintext, place, entropy)
    }

    pub(crate) fn open(&self, envelope: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.cipher.open(envelope, place)
    }
}

impl fmt::Debug for KeyEncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyEncryptionKey({}, [redacted])", self.id.as_str())
    }
}
