//! The key encryption keys of this process: the first wraps, all unwrap.

use crate::{
    CryptoError, DataEncryptionKey, Entropy, KeyEncryptionKey, KeyPurpose, Place, WrappedDek, envelope,
};

const FIELD: &str = "data_encryption_key";

/// At least one key encryption key, newest first.
#[derive(Debug)]
pub struct KeyRing {
    keys: Vec<KeyEncryptionKey>,
}

impl KeyRing {
    /// Reads key material: one `kid:base64(32 bytes)` per line, blank lines and `#` comments skipped.
    ///
    /// Fails with [`CryptoError::BadKeyMaterial`], which names the line and quotes nothing of it.
    pub fn parse(material: &str) -> Result<Self, CryptoError> {
        let mut keys: Vec<KeyEncryptionKey> = Vec::new();
        for (number, text) in material.lines().enumerate().map(|(n, text)| (n + 1, text.trim())) {
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let key = KeyEncryptionKey::parse(text, number)?;
            if keys.iter().any(|known| known.id() == key.id()) {
                return Err(CryptoError::BadKeyMaterial {
                    line: number,
                    problem: "this kid stands there twice",
                });
            }
            keys.push(key);
        }
        if keys.is_empty() {
            return Err(CryptoError::BadKeyMaterial { line: 1, problem: "there is no key" });
        }
        Ok(Self { keys })
    }

    /// A new data key for `tenant`, and the wrapped form for the store.
    pub fn generate_dek(
        &self,
        tenant: &str,
        purpose: KeyPurpose,
        entropy: &dyn Entropy,
    ) -> (DataEncryptionKey, WrappedDek) {
        let (id, key) = DataEncryptionKey::generate_key(entropy);
        let place = wrapping_place(tenant, &id.to_string(), purpose);
        let envelope = self.keys[0].seal(key.as_slice(), &place, entropy);
        (DataEncryptionKey::from_key(id, purpose, &key), WrappedDek { id, purpose, envelope })
    }

    /// Opens a wrapped data key of `tenant`.
    ///
    /// Fails with [`CryptoError::UnknownKey`] if it was wrapped by a key that is not on the ring.
    pub fn unwrap_dek(&self, tenant: &str, wrapped: &WrappedDek) -> Result<DataEncryptionKey, CryptoError> {
        let kid = envelope::key_id(&wrapped.envelope)?;
        let kek = self
            .keys
            .iter()
            .find(|kek| kek.id().as_str().as_bytes() == kid)
            .ok_or_else(|| CryptoError::UnknownKey(String::from_utf8_lossy(kid).into_owned()))?;
        let place = wrapping_place(tenant, &wrapped.id.to_string(), wrapped.purpose);
        let key = kek.open(&wrapped.envelope, &place)?;
        let key = <&[u8; 32]>::try_from(key.as_slice()).map_err(|_| CryptoError::Malformed)?;
        Ok(DataEncryptionKey::from_key(wrapped.id, wrapped.purpose, key))
    }
}

fn wrapping_place(tenant: &str, dek: &str, purpose: KeyPurpose) -> Vec<u8> {
    let owner = format!("{dek}/{}", purpose.as_str());
    Place { tenant, owner: &owner, generation: 0 }.associated_data(FIELD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KekId, OsEntropy};

    fn material(kid: &str) -> String {
        KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &OsEntropy).to_string()
    }

    #[test]
    fn first_key_wraps_and_all_unwrap() {
        let (old, new) = (material("old"), material("new"));
        let (_, wrapped) = KeyRing::parse(&old).unwrap().generate_dek("t", KeyPurpose::Access, &OsEntropy);
        let both = KeyRing::parse(&format!("# newest first\n{new}\n\n{old}\n")).unwrap();
        assert_eq!(both.unwrap_dek("t", &wrapped).unwrap().id(), wrapped.id);
        let (_, rewrapped) = both.generate_dek("t", KeyPurpose::Access, &OsEntropy);
        assert!(KeyRing::parse(&new).unwrap().unwrap_dek("t", &rewrapped).is_ok());
        let only_new = KeyRing::parse(&new).unwrap().unwrap_dek("t", &wrapped);
        assert_eq!(only_new.unwrap_err(), CryptoError::UnknownKey("old".into()));
    }

    #[test]
    fn a_wrapped_key_of_another_tenant_or_purpose_does_not_open() {
        let ring = KeyRing::parse(&material("k")).unwrap();
        let (_, wrapped) = ring.generate_dek("t", KeyPurpose::Access, &OsEntropy);
        assert_eq!(ring.unwrap_dek("u", &wrapped).unwrap_err(), CryptoError::DoesNotOpen);
        let repurposed = WrappedDek { purpose: KeyPurpose::Rotation, ..wrapped };
        assert_eq!(ring.unwrap_dek("t", &repurposed).unwrap_err(), CryptoError::DoesNotOpen);
    }

    #[test]
    fn bad_material_names_the_line_and_quotes_nothing() {
        for (text, line) in [
            ("", 1),
            ("no colon", 1),
            ("k:!!!", 1),
            ("k:c2hvcnQ=", 1),
            ("\n\nbad kid:AAAA", 3),
            (&format!("{0}\n{0}", material("k")), 2),
        ] {
            let error = KeyRing::parse(text).unwrap_err();
            assert!(
                matches!(error, CryptoError::BadKeyMaterial { line: at, .. } if at == line),
                "{text:?}: {error}"
            );
            assert!(!error.to_string().contains("c2hvcnQ"), "{error}");
        }
    }
}
