//! The key encryption keys of this process: the first wraps, all unwrap.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::key_encryption::{DekMaterial, KeyEncryption, WrappingPlace};
use crate::{CryptoError, Entropy, KekId, KeyEncryptionKey, envelope};

/// At least one key encryption key, newest first.
pub struct KeyRing {
    keys: Vec<KeyEncryptionKey>,
    entropy: Arc<dyn Entropy>,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyRing").field(&self.keys).finish()
    }
}

impl KeyRing {
    /// Reads key material: one `kid:base64(32 bytes)` per line, blank lines and `#` comments skipped.
    /// Nonces come from `entropy`.
    ///
    /// Fails with [`CryptoError::BadKeyMaterial`], which names the line and quotes nothing of it.
    pub fn parse(material: &str, entropy: Arc<dyn Entropy>) -> Result<Self, CryptoError> {
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
        Ok(Self { keys, entropy })
    }

    fn named_by(&self, envelope: &[u8]) -> Result<&KeyEncryptionKey, CryptoError> {
        let kid = envelope::key_id(envelope)?;
        let held = self.keys.iter().find(|kek| kek.id().as_str().as_bytes() == kid);
        held.ok_or_else(|| CryptoError::UnknownKey(String::from_utf8_lossy(kid).into_owned()))
    }
}

#[async_trait]
impl KeyEncryption for KeyRing {
    async fn primary(&self) -> Result<KekId, CryptoError> {
        Ok(self.keys[0].id().clone())
    }

    fn ids(&self) -> Vec<KekId> {
        self.keys.iter().map(|kek| kek.id().clone()).collect()
    }

    fn holds(&self, id: &KekId) -> bool {
        self.keys.iter().any(|kek| kek.id() == id)
    }

    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError> {
        Ok(self.keys[0].seal(key.expose(), &place.associated_data(), self.entropy.as_ref()))
    }

    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError> {
        let opened = self.named_by(envelope)?.open(envelope, &place.associated_data())?;
        DekMaterial::from_opened(&opened)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KekId, KeyPurpose, OsEntropy, WrappedDek, generate_dek, unwrap_dek};

    fn material(kid: &str) -> String {
        KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &OsEntropy).to_string()
    }

    fn ring(material: &str) -> KeyRing {
        KeyRing::parse(material, Arc::new(OsEntropy)).unwrap()
    }

    async fn wrapped_by(ring: &KeyRing) -> WrappedDek {
        generate_dek(ring, "t", KeyPurpose::Access, &OsEntropy).await.unwrap()
    }

    #[tokio::test]
    async fn first_key_wraps_and_all_unwrap() {
        let (old, new) = (material("old"), material("new"));
        let wrapped = wrapped_by(&ring(&old)).await;
        assert_eq!(wrapped.wrapping_key(), KekId::new("old"));
        let both = ring(&format!("# newest first\n{new}\n\n{old}\n"));
        assert_eq!(both.primary().await.unwrap().as_str(), "new");
        assert_eq!(unwrap_dek(&both, "t", &wrapped).await.unwrap().id(), wrapped.id);
        let rewrapped = wrapped_by(&both).await;
        assert!(unwrap_dek(&ring(&new), "t", &rewrapped).await.is_ok());
        let only_new = unwrap_dek(&ring(&new), "t", &wrapped).await;
        assert_eq!(only_new.unwrap_err(), CryptoError::UnknownKey("old".into()));
    }

    #[tokio::test]
    async fn a_wrapped_key_of_another_tenant_or_purpose_does_not_open() {
        let ring = ring(&material("k"));
        let wrapped = wrapped_by(&ring).await;
        assert_eq!(unwrap_dek(&ring, "u", &wrapped).await.unwrap_err(), CryptoError::DoesNotOpen);
        let repurposed = WrappedDek { purpose: KeyPurpose::Rotation, ..wrapped };
        assert_eq!(unwrap_dek(&ring, "t", &repurposed).await.unwrap_err(), CryptoError::DoesNotOpen);
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
            let error = KeyRing::parse(text, Arc::new(OsEntropy)).unwrap_err();
            assert!(
                matches!(error, CryptoError::BadKeyMaterial { line: at, .. } if at == line),
                "{text:?}: {error}"
            );
            assert!(!error.to_string().contains("c2hvcnQ"), "{error}");
        }
    }
}
