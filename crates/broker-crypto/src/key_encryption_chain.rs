//! Several holders of key encryption keys as one, and a ring that is exchanged while it is used.

use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;

use crate::{CryptoError, DekMaterial, KekId, KeyEncryption, KeyRing, WrappingPlace, envelope};

/// The first holder wraps, each unwraps what its own keys have wrapped: how a store moves from one holder to another.
pub struct KeyEncryptionChain {
    first: Arc<dyn KeyEncryption>,
    others: Vec<Arc<dyn KeyEncryption>>,
}

impl KeyEncryptionChain {
    /// `first` wraps.
    pub fn new(first: Arc<dyn KeyEncryption>, others: Vec<Arc<dyn KeyEncryption>>) -> Self {
        Self { first, others }
    }

    fn all(&self) -> impl Iterator<Item = &Arc<dyn KeyEncryption>> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

#[async_trait]
impl KeyEncryption for KeyEncryptionChain {
    async fn primary(&self) -> Result<KekId, CryptoError> {
        self.first.primary().await
    }

    async fn primary_now(&self) -> Result<KekId, CryptoError> {
        self.first.primary_now().await
    }

    fn ids(&self) -> Vec<KekId> {
        self.all().flat_map(|holder| holder.ids()).collect()
    }

    fn holds(&self, id: &KekId) -> bool {
        self.all().any(|holder| holder.holds(id))
    }

    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError> {
        self.first.wrap(key, place).await
    }

    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError> {
        let kid = String::from_utf8_lossy(envelope::key_id(envelope)?).into_owned();
        let holder = KekId::new(&kid).and_then(|id| self.all().find(|holder| holder.holds(&id)));
        match holder {
            Some(holder) => holder.unwrap(envelope, place).await,
            None => Err(CryptoError::UnknownKey(kid)),
        }
    }
}

/// A key ring that is exchanged for a later reading of its source while others use it.
#[derive(Debug)]
pub struct SwappableKeyRing(RwLock<Arc<KeyRing>>);

impl SwappableKeyRing {
    /// Begins with `ring`.
    pub fn new(ring: KeyRing) -> Self {
        Self(RwLock::new(Arc::new(ring)))
    }

    /// Exchanges the ring.
    pub fn swap(&self, ring: KeyRing) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(ring);
    }

    fn ring(&self) -> Arc<KeyRing> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl KeyEncryption for SwappableKeyRing {
    async fn primary(&self) -> Result<KekId, CryptoError> {
        self.ring().primary().await
    }

    fn ids(&self) -> Vec<KekId> {
        self.ring().ids()
    }

    fn holds(&self, id: &KekId) -> bool {
        self.ring().holds(id)
    }

    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError> {
        self.ring().wrap(key, place).await
    }

    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError> {
        self.ring().unwrap(envelope, place).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{KeyEncryptionKey, KeyPurpose, OsEntropy, generate_dek, unwrap_dek};

    fn ring(kid: &str) -> KeyRing {
        let material = KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &OsEntropy);
        KeyRing::parse(&material, Arc::new(OsEntropy)).unwrap()
    }

    #[tokio::test]
    async fn the_first_wraps_and_each_unwraps_its_own() {
        let (old, new): (Arc<dyn KeyEncryption>, Arc<dyn KeyEncryption>) =
            (Arc::new(ring("old")), Arc::new(ring("new")));
        let by_old = generate_dek(old.as_ref(), "t", KeyPurpose::Access, &OsEntropy).await.unwrap();
        let chain = KeyEncryptionChain::new(new.clone(), vec![old]);
        assert!(unwrap_dek(&chain, "t", &by_old).await.is_ok());
        let by_chain = generate_dek(&chain, "t", KeyPurpose::Access, &OsEntropy).await.unwrap();
        assert!(unwrap_dek(new.as_ref(), "t", &by_chain).await.is_ok());
        let strange = generate_dek(&ring("else"), "t", KeyPurpose::Access, &OsEntropy).await.unwrap();
        let refused = unwrap_dek(&chain, "t", &strange).await.unwrap_err();
        assert_eq!(refused, CryptoError::UnknownKey("else".into()));
    }

    #[tokio::test]
    async fn a_ring_is_exchanged_under_its_users() {
        let swappable = SwappableKeyRing::new(ring("one"));
        swappable.swap(ring("two"));
        assert_eq!(swappable.primary().await.unwrap().as_str(), "two");
        assert!(!swappable.holds(&KekId::new("one").unwrap()));
    }
}
