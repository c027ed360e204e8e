//! What a stand-in for somebody else's service needs of cryptography. Never in a shipped binary.

use zeroize::Zeroizing;

use crate::envelope::Cipher;
use crate::{CryptoError, Entropy};

/// An AES-256-GCM key without a name.
pub struct TestKey(Cipher);

impl TestKey {
    /// A fresh key.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut key = Zeroizing::new([0u8; 32]);
        entropy.fill(key.as_mut_slice());
        Self(Cipher::new(&key))
    }

    /// Encrypts, bound to the associated data.
    pub fn seal(&self, plaintext: &[u8], associated_data: &[u8], entropy: &dyn Entropy) -> Vec<u8> {
        self.0.seal(b"", plaintext, associated_data, entropy)
    }

    /// Decrypts what was encrypted with the same associated data.
    pub fn open(&self, ciphertext: &[u8], associated_data: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.0.open(ciphertext, associated_data)
    }
}
