//! Message authentication: who does not hold the key cannot make a code that fits, nor tell what it is of.

use std::fmt;

use ring::hmac;
use zeroize::Zeroizing;

use crate::DekMaterial;

/// HMAC-SHA-256 (RFC 2104) under one key. Wiped on drop.
pub struct MacKey(Zeroizing<[u8; 32]>);

impl MacKey {
    /// The key of opened `material`.
    pub fn from_material(material: &DekMaterial) -> Self {
        Self(Zeroizing::new(*material.expose()))
    }

    /// A key of its own for one use, named by `label`: codes under it say nothing of this key or of others made from it.
    pub fn derived(&self, label: &str) -> Self {
        Self(Zeroizing::new(self.code(&[b"derived key", label.as_bytes()])))
    }

    /// The code of the parts. Each part is preceded by its length, so that no two lists of parts read alike.
    pub fn code(&self, parts: &[&[u8]]) -> [u8; 32] {
        // Made anew each time: an expanded key could not be wiped.
        let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice()));
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut code = [0; 32];
        code.copy_from_slice(context.sign().as_ref());
        code
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> MacKey {
        MacKey::from_material(&DekMaterial::from_opened(&[byte; 32]).unwrap())
    }

    #[test]
    fn a_code_depends_on_the_key_and_on_where_a_part_ends() {
        let code = key(7).code(&[b"ab", b"c"]);
        assert_eq!(code, key(7).code(&[b"ab", b"c"]));
        for other in [key(8).code(&[b"ab", b"c"]), key(7).code(&[b"a", b"bc"]), key(7).code(&[b"abc"])] {
            assert_ne!(code, other);
        }
    }

    #[test]
    fn it_is_the_hmac_of_the_parts_with_their_lengths() {
        let message = [2u64.to_be_bytes().as_slice(), b"ab"].concat();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &[7; 32]), &message);
        assert_eq!(key(7).code(&[b"ab"]), tag.as_ref());
    }

    #[test]
    fn derived_keys_differ_by_label_and_from_their_origin() {
        let code = |key: MacKey| key.code(&[b"a"]);
        assert_eq!(code(key(7).derived("one")), code(key(7).derived("one")));
        assert_ne!(code(key(7).derived("one")), code(key(7).derived("two")));
        assert_ne!(code(key(7).derived("one")), code(key(7)));
        assert_ne!(code(key(7).derived("one")), code(key(8).derived("one")));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", key(7)), "MacKey([redacted])");
    }
}
