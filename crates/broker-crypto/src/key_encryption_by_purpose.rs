//! A key encryption key for each purpose, so that who opens access tokens need not be able to open what rotates them.

use std::sync::Arc;

use async_trait::async_trait;

use crate::{CryptoError, DekMaterial, KekId, KeyEncryption, KeyEncryptionChain, KeyPurpose, WrappingPlace};

/// Each purpose is wrapped under its own holder's key. Either holder unwraps what its keys have wrapped, whatever the
/// purpose: so a store moves from one key for both to one for each.
pub struct KeyEncryptionByPurpose {
    access: KeyEncryptionChain,
    rotation: KeyEncryptionChain,
}

impl KeyEncryptionByPurpose {
    /// Of two holders, neither of which holds a key of the other.
    pub fn new(access: Arc<dyn KeyEncryption>, rotation: Arc<dyn KeyEncryption>) -> Self {
        Self {
            access: KeyEncryptionChain::new(access.clone(), vec![rotation.clone()]),
            rotation: KeyEncryptionChain::new(rotation, vec![access]),
        }
    }

    fn of(&self, purpose: KeyPurpose) -> &KeyEncryptionChain {
        match purpose {
            KeyPurpose::Access => &self.access,
            KeyPurpose::Rotation => &self.rotation,
        }
    }
}

#[async_trait]
impl KeyEncryption for KeyEncryptionByPurpose {
    async fn primary(&self) -> Result<KekId, CryptoError> {
        self.access.primary().await
    }

    async fn primary_for(&self, purpose: KeyPurpose) -> Result<KekId, CryptoError> {
        self.of(purpose).primary().await
    }

    async fn primary_now(&self) -> Result<KekId, CryptoError> {
        self.rotation.primary_now().await?;
        self.access.primary_now().await
    }

    fn ids(&self) -> Vec<KekId> {
        self.access.ids()
    }

    fn holds(&self, id: &KekId) -> bool {
        self.access.holds(id)
    }

    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError> {
        self.of(place.purpose).wrap(key, place).await
    }

    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError> {
        self.of(place.purpose).unwrap(envelope, place).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyEncryptionKey, KeyRing, OsEntropy, generate_dek, unwrap_dek};

    fn ring(kid: &str) -> Arc<dyn KeyEncryption> {
        let material = KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &OsEntropy);
        Arc::new(KeyRing::parse(&material, Arc::new(OsEntropy)).unwrap())
    }

    #[tokio::test]
    async fn each_purpose_has_its_key_and_who_holds_one_opens_nothing_of_the_other() {
        let (access, rotation) = (ring("a"), ring("r"));
        let both = KeyEncryptionByPurpose::new(access.clone(), rotation.clone());
        for (purpose, own, other) in
            [(KeyPurpose::Access, &access, &rotation), (KeyPurpose::Rotation, &rotation, &access)]
        {
            let key = generate_dek(&both, "t", purpose, &OsEntropy).await.unwrap();
            assert_eq!(key.wrapping_key().unwrap(), both.primary_for(purpose).await.unwrap());
            assert!(unwrap_dek(&both, "t", &key).await.is_ok());
            assert!(unwrap_dek(own.as_ref(), "t", &key).await.is_ok());
            let refused = unwrap_dek(other.as_ref(), "t", &key).await.unwrap_err();
            assert!(matches!(refused, CryptoError::UnknownKey(_)), "{refused}");
        }
    }

    #[tokio::test]
    async fn what_one_key_wrapped_for_both_purposes_still_opens() {
        let one = ring("one");
        let both = KeyEncryptionByPurpose::new(one.clone(), ring("r"));
        for purpose in KeyPurpose::ALL {
            let key = generate_dek(one.as_ref(), "t", purpose, &OsEntropy).await.unwrap();
            assert!(unwrap_dek(&both, "t", &key).await.is_ok());
        }
    }
}
