//! Plain digests, for values that are already unguessable or not secret.

use sha2::{Digest, Sha256};

/// SHA-256 of `bytes` (FIPS 180-4).
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}
