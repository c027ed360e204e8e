//! The opened data keys of one tenant.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    CryptoError, DataEncryptionKey, DekId, Entropy, KeyPurpose, Place, SealRight, Sealed, Secret, SecretType,
    envelope,
};

/// Seals and opens a tenant's secrets: the newest key of a purpose seals, every key opens.
///
/// The keys can be exchanged while others hold this: whoever seals does so under the newest key known at that time.
#[derive(Debug)]
pub struct TenantKeys {
    /// Newest first.
    keys: RwLock<Arc<[Arc<DataEncryptionKey>]>>,
}

impl Default for TenantKeys {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl TenantKeys {
    /// Of opened keys, newest first.
    pub fn new(keys: Vec<Arc<DataEncryptionKey>>) -> Self {
        Self { keys: RwLock::new(keys.into()) }
    }

    /// Exchanges the keys for those of a later reading of the store, newest first.
    pub fn replace(&self, keys: Vec<Arc<DataEncryptionKey>>) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys.into();
    }

    /// The keys at present, newest first.
    pub fn opened(&self) -> Arc<[Arc<DataEncryptionKey>]> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether that key is opened.
    pub fn holds(&self, id: DekId) -> bool {
        self.opened().iter().any(|key| key.id() == id)
    }

    /// The key that seals for a purpose at present.
    pub fn newest(&self, purpose: KeyPurpose) -> Result<Arc<DataEncryptionKey>, CryptoError> {
        let newest = self.opened().iter().find(|key| key.purpose() == purpose).cloned();
        newest.ok_or(CryptoError::NoKey(purpose.as_str()))
    }

    /// Opens `sealed`, which must have been sealed at the same `place`.
    ///
    /// Fails with [`CryptoError::UnknownKey`] if it was sealed under a key that is not opened here.
    pub fn open<T: Secret>(&self, sealed: &Sealed<T>, place: Place<'_>) -> Result<T, CryptoError> {
        self.named_by(sealed.as_bytes(), T::PURPOSE)?.open(sealed, place)
    }

    /// Seals bytes as a secret of that type, for tests that fill every column.
    #[cfg(feature = "testing")]
    pub fn seal_of(
        &self,
        secret: &[u8],
        of: SecretType,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        Ok(self.newest(of.purpose())?.seal_bytes(secret, of, place, entropy))
    }

    /// Opens an envelope and seals what is in it anew, at the same `place`, under the key of `right`.
    pub fn reseal(
        &self,
        right: SealRight,
        envelope: &[u8],
        of: SecretType,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, CryptoError> {
        let secret = self.named_by(envelope, of.purpose())?.open_bytes(envelope, of, place)?;
        Ok(right.used_for(of.purpose())?.seal_bytes(&secret, of, place, entropy))
    }

    fn named_by(&self, envelope: &[u8], purpose: KeyPurpose) -> Result<Arc<DataEncryptionKey>, CryptoError> {
        let id = DekId::from_bytes(envelope::key_id(envelope)?).ok_or(CryptoError::Malformed)?;
        let opened = self.opened();
        let key = opened.iter().find(|key| key.id() == id && key.purpose() == purpose).cloned();
        key.ok_or_else(|| CryptoError::UnknownKey(id.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessToken, DekMaterial, OsEntropy, RefreshToken};

    const PLACE: Place<'_> = Place { tenant: "t", owner: "g", generation: 3 };

    fn key(purpose: KeyPurpose) -> Arc<DataEncryptionKey> {
        let id = DekId::generate(&OsEntropy);
        Arc::new(DataEncryptionKey::from_material(id, purpose, &DekMaterial::generate(&OsEntropy)))
    }

    /// Seals under the newest key, as the broker does.
    fn seal<T: Secret>(keys: &TenantKeys, secret: &T) -> Result<Sealed<T>, CryptoError> {
        right(keys, T::PURPOSE)?.seal(secret, PLACE, &OsEntropy)
    }

    fn right(keys: &TenantKeys, purpose: KeyPurpose) -> Result<SealRight, CryptoError> {
        let key = keys.newest(purpose)?;
        key.add_seals(1, key.seals_counted() + 1);
        Ok(key.take_seal().unwrap())
    }

    fn keys(purposes: &[KeyPurpose]) -> TenantKeys {
        TenantKeys::new(purposes.iter().map(|purpose| key(*purpose)).collect())
    }

    #[test]
    fn opens_what_it_sealed_and_only_at_the_same_place() {
        let keys = keys(&KeyPurpose::ALL);
        let sealed = seal(&keys, &AccessToken::new("at-1")).unwrap();
        assert_eq!(keys.open(&sealed, PLACE).unwrap().expose(), "at-1");
        for moved in
            [Place { tenant: "u", ..PLACE }, Place { owner: "h", ..PLACE }, Place { generation: 4, ..PLACE }]
        {
            assert_eq!(keys.open(&sealed, moved).unwrap_err(), CryptoError::DoesNotOpen);
        }
    }

    #[test]
    fn a_column_read_as_another_does_not_open() {
        let keys = keys(&KeyPurpose::ALL);
        let sealed = seal(&keys, &RefreshToken::new("rt")).unwrap();
        let as_secret: Sealed<crate::ClientSecret> = Sealed::from_bytes(sealed.as_bytes().to_vec());
        assert_eq!(keys.open(&as_secret, PLACE).unwrap_err(), CryptoError::DoesNotOpen);
    }

    #[test]
    fn without_the_rotation_key_no_refresh_token_is_sealed_or_opened() {
        let sealed = seal(&keys(&KeyPurpose::ALL), &RefreshToken::new("rt")).unwrap();
        let vending_only = keys(&[KeyPurpose::Access]);
        assert!(matches!(vending_only.open(&sealed, PLACE), Err(CryptoError::UnknownKey(_))));
        let refused = seal(&vending_only, &RefreshToken::new("rt"));
        assert_eq!(refused.unwrap_err(), CryptoError::NoKey("rotation"));
    }

    #[test]
    fn the_newest_key_seals_for_whoever_holds_the_tenants_keys() {
        let (old, new) = (key(KeyPurpose::Access), key(KeyPurpose::Access));
        let keys = TenantKeys::new(vec![old.clone()]);
        let before = seal(&keys, &AccessToken::new("at-1")).unwrap();
        keys.replace(vec![new.clone(), old.clone()]);
        let after = seal(&keys, &AccessToken::new("at-2")).unwrap();
        assert_eq!((before.key_id(), after.key_id()), (Some(old.id()), Some(new.id())));
        assert_eq!(keys.open(&before, PLACE).unwrap().expose(), "at-1");
    }

    #[test]
    fn what_is_resealed_opens_under_the_newest_key_and_at_its_own_place_only() {
        let (old, new) = (key(KeyPurpose::Access), key(KeyPurpose::Access));
        let keys = TenantKeys::new(vec![old.clone()]);
        let sealed = seal(&keys, &AccessToken::new("at-1")).unwrap();
        keys.replace(vec![new.clone(), old]);
        let of = SecretType::of::<AccessToken>();
        let moved = Place { owner: "h", ..PLACE };
        let of_new = || right(&keys, KeyPurpose::Access).unwrap();
        let refused = keys.reseal(of_new(), sealed.as_bytes(), of, moved, &OsEntropy);
        assert_eq!(refused.unwrap_err(), CryptoError::DoesNotOpen);
        let resealed = keys.reseal(of_new(), sealed.as_bytes(), of, PLACE, &OsEntropy).unwrap();
        keys.replace(vec![new]);
        let resealed = Sealed::<AccessToken>::from_bytes(resealed);
        assert_eq!(keys.open(&resealed, PLACE).unwrap().expose(), "at-1");
    }
}
