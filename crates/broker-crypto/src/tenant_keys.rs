//! The opened data keys of one tenant.

use crate::{CryptoError, DataEncryptionKey, Entropy, KeyRing, Place, Sealed, Secret, WrappedDek};

/// Seals and opens a tenant's secrets: the newest key of a purpose seals, every key opens.
#[derive(Debug)]
pub struct TenantKeys {
    /// Newest first.
    keys: Vec<DataEncryptionKey>,
}

impl TenantKeys {
    /// Unwraps `wrapped` (newest first).
    ///
    /// Fails if a key was wrapped by a key encryption key that is not on the ring.
    pub fn unwrap(ring: &KeyRing, tenant: &str, wrapped: &[WrappedDek]) -> Result<Self, CryptoError> {
        let keys = wrapped.iter().map(|dek| ring.unwrap_dek(tenant, dek)).collect::<Result<_, _>>()?;
        Ok(Self { keys })
    }

    /// Seals `secret` at `place`.
    ///
    /// Fails with [`CryptoError::NoKey`] where this process holds no key of the secret's purpose.
    pub fn seal<T: Secret>(
        &self,
        secret: &T,
        place: Place<'_>,
        entropy: &dyn Entropy,
    ) -> Result<Sealed<T>, CryptoError> {
        let key = self
            .keys
            .iter()
            .find(|key| key.purpose() == T::PURPOSE)
            .ok_or(CryptoError::NoKey(T::PURPOSE.as_str()))?;
        Ok(key.seal(secret, place, entropy))
    }

    /// Opens `sealed`, which must have been sealed at the same `place`.
    pub fn open<T: Secret>(&self, sealed: &Sealed<T>, place: Place<'_>) -> Result<T, CryptoError> {
        let id = sealed.key_id().ok_or(CryptoError::Malformed)?;
        self.keys
            .iter()
            .find(|key| key.id() == id && key.purpose() == T::PURPOSE)
            .ok_or_else(|| CryptoError::UnknownKey(id.to_string()))?
            .open(sealed, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccessToken, KekId, KeyEncryptionKey, KeyPurpose, OsEntropy, RefreshToken};

    const PLACE: Place<'_> = Place { tenant: "t", owner: "g", generation: 3 };

    fn keys(purposes: &[KeyPurpose]) -> TenantKeys {
        let material = KeyEncryptionKey::generate_material(&KekId::new("k").unwrap(), &OsEntropy);
        let ring = KeyRing::parse(&material).unwrap();
        let wrapped: Vec<_> = purposes.iter().map(|p| ring.generate_dek("t", *p, &OsEntropy).1).collect();
        TenantKeys::unwrap(&ring, "t", &wrapped).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_only_at_the_same_place() {
        let keys = keys(&KeyPurpose::ALL);
        let sealed = keys.seal(&AccessToken::new("at-1"), PLACE, &OsEntropy).unwrap();
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
        let sealed = keys.seal(&RefreshToken::new("rt"), PLACE, &OsEntropy).unwrap();
        let as_secret: Sealed<crate::ClientSecret> = Sealed::from_bytes(sealed.as_bytes().to_vec());
        assert_eq!(keys.open(&as_secret, PLACE).unwrap_err(), CryptoError::DoesNotOpen);
    }

    #[test]
    fn without_the_rotation_key_no_refresh_token_is_sealed_or_opened() {
        let sealed = keys(&KeyPurpose::ALL).seal(&RefreshToken::new("rt"), PLACE, &OsEntropy).unwrap();
        let vending_only = keys(&[KeyPurpose::Access]);
        assert!(matches!(vending_only.open(&sealed, PLACE), Err(CryptoError::UnknownKey(_))));
        let refused = vending_only.seal(&RefreshToken::new("rt"), PLACE, &OsEntropy);
        assert_eq!(refused.unwrap_err(), CryptoError::NoKey("rotation"));
    }
}
