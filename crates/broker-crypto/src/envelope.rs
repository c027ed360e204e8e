//! Envelope bytes and the one place where AES-256-GCM is called.
//!
//! Layout, all of it except the ciphertext readable without a key:
//!
//! ```text
//! offset  size  what
//! 0       1     version, 0x01
//! 1       1     length of the key id, n
//! 2       n     key id (16 bytes of UUID for a data key, UTF-8 for a key encryption key)
//! 2+n     12    nonce, random
//! 14+n    *     ciphertext followed by the 16-byte tag
//! ```
//!
//! A data key wrapped by a key management service has version 0x02: after the key id follows what the service answered,
//! which has its own nonce and tag.
//!
//! The header is authenticated together with the place, so that a key id cannot be exchanged.
//! Nonces are random: at most 2^32 seals per key (NIST SP 800-38D §8.3), which are counted in `seals`.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use zeroize::Zeroizing;

use crate::{CryptoError, Entropy};

const VERSION: u8 = 1;
const VERSION_OF_SERVICE: u8 = 2;
/// Length of a data key's id.
const DATA_KEY_ID: u8 = 16;
const NONCE: usize = 12;
const TAG: usize = 16;

/// An expanded AES-256 key, wiped on drop.
pub(crate) struct Cipher(Aes256Gcm);

impl Cipher {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(Aes256Gcm::new(key.into()))
    }

    #[expect(
        clippy::expect_used,
        reason = "never fails because AES-GCM refuses only plaintexts beyond 64 GiB"
    )]
    pub(crate) fn seal(
        &self,
        key_id: &[u8],
        plaintext: &[u8],
        place: &[u8],
        entropy: &dyn Entropy,
    ) -> Vec<u8> {
        let mut out = header(key_id);
        let aad = [out.as_slice(), place].concat();
        let mut nonce = [0u8; NONCE];
        entropy.fill(&mut nonce);
        let ciphertext = self
            .0
            .encrypt(&nonce.into(), Payload { msg: plaintext, aad: &aad })
            .expect("the plaintext is shorter than 64 GiB");
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&ciphertext);
        out
    }

    pub(crate) fn open(&self, envelope: &[u8], place: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let parts = Parts::read(envelope)?;
        let aad = [parts.header, place].concat();
        self.0
            .decrypt(&parts.nonce.into(), Payload { msg: parts.ciphertext, aad: &aad })
            .map(Zeroizing::new)
            .map_err(|_| CryptoError::DoesNotOpen)
    }
}

/// The key id an envelope names, without opening it.
pub(crate) fn key_id(envelope: &[u8]) -> Result<&[u8], CryptoError> {
    match envelope {
        [VERSION_OF_SERVICE, ..] => of_service(envelope).map(|(key_id, _)| key_id),
        _ => Parts::read(envelope).map(|parts| &parts.header[2..]),
    }
}

/// The id of the data key an envelope names, from its beginning alone.
pub(crate) fn data_key_id(head: &[u8]) -> Option<&[u8]> {
    head.strip_prefix(&[VERSION, DATA_KEY_ID])?.get(..usize::from(DATA_KEY_ID))
}

/// An envelope around what a key management service answered.
pub(crate) fn for_service(key_id: &[u8], answer: &[u8]) -> Vec<u8> {
    let mut out = headed(VERSION_OF_SERVICE, key_id);
    out.extend_from_slice(answer);
    out
}

/// The key id, and what the key management service answered.
pub(crate) fn of_service(envelope: &[u8]) -> Result<(&[u8], &[u8]), CryptoError> {
    let [VERSION_OF_SERVICE, length, rest @ ..] = envelope else { return Err(CryptoError::Malformed) };
    rest.split_at_checked(usize::from(*length)).ok_or(CryptoError::Malformed)
}

fn header(key_id: &[u8]) -> Vec<u8> {
    headed(VERSION, key_id)
}

fn headed(version: u8, key_id: &[u8]) -> Vec<u8> {
    debug_assert!(key_id.len() <= usize::from(u8::MAX), "key ids are checked where they are made");
    let mut out = Vec::with_capacity(2 + key_id.len() + NONCE + TAG);
    out.push(version);
    out.push(key_id.len() as u8);
    out.extend_from_slice(key_id);
    out
}

struct Parts<'a> {
    header: &'a [u8],
    nonce: [u8; NONCE],
    ciphertext: &'a [u8],
}

impl<'a> Parts<'a> {
    fn read(envelope: &'a [u8]) -> Result<Self, CryptoError> {
        let [VERSION, length, ..] = *envelope else { return Err(CryptoError::Malformed) };
        let (header, rest) =
            envelope.split_at_checked(2 + usize::from(length)).ok_or(CryptoError::Malformed)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE>().ok_or(CryptoError::Malformed)?;
        if ciphertext.len() < TAG {
            return Err(CryptoError::Malformed);
        }
        Ok(Self { header, nonce: *nonce, ciphertext })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::OsEntropy;

    fn sealed() -> (Cipher, Vec<u8>) {
        let cipher = Cipher::new(&[7; 32]);
        let envelope = cipher.seal(b"kid", b"plaintext", b"place", &OsEntropy);
        (cipher, envelope)
    }

    #[test]
    fn opens_only_at_its_place() {
        let (cipher, envelope) = sealed();
        assert_eq!(cipher.open(&envelope, b"place").unwrap().as_slice(), b"plaintext");
        assert_eq!(cipher.open(&envelope, b"elsewhere"), Err(CryptoError::DoesNotOpen));
        assert_eq!(Cipher::new(&[8; 32]).open(&envelope, b"place"), Err(CryptoError::DoesNotOpen));
    }

    #[test]
    fn names_its_key_in_the_clear() {
        assert_eq!(key_id(&sealed().1).unwrap(), b"kid");
    }

    #[test]
    fn what_a_service_wrapped_names_its_key_and_never_opens_here() {
        let envelope = for_service(b"transit.k.v3", b"vault:v3:AAAA");
        assert_eq!(key_id(&envelope).unwrap(), b"transit.k.v3");
        assert_eq!(of_service(&envelope).unwrap().1, b"vault:v3:AAAA");
        assert_eq!(Cipher::new(&[7; 32]).open(&envelope, b"place"), Err(CryptoError::Malformed));
        assert!(of_service(&[2, 9, 1]).is_err() && of_service(&sealed().1).is_err());
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_noticed(at in 0usize..48, bit in 0u8..8) {
            let (cipher, mut envelope) = sealed();
            let at = at % envelope.len();
            envelope[at] ^= 1 << bit;
            prop_assert!(cipher.open(&envelope, b"place").is_err());
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            prop_assert!(Cipher::new(&[7; 32]).open(&bytes, b"place").is_err());
        }
    }
}
