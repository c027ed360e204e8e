//! Which key encryption keys wrap new data keys: one for each purpose, which may be the same.

use std::fmt;

use broker_crypto::{CryptoError, KekId, KeyEncryption, KeyPurpose};

/// Between two names. No name holds it.
const AND: char = '+';

/// The key encryption keys that wrap, by purpose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappingKeys {
    access: KekId,
    rotation: KekId,
}

impl WrappingKeys {
    /// One for both purposes.
    pub fn same(kek: KekId) -> Self {
        Self { access: kek.clone(), rotation: kek }
    }

    /// One for each purpose.
    pub fn of(access: KekId, rotation: KekId) -> Self {
        Self { access, rotation }
    }

    /// Those that wrap at present. Fails with [`CryptoError::Unavailable`] while a service cannot be used.
    pub(crate) async fn present(encryption: &dyn KeyEncryption) -> Result<Self, CryptoError> {
        Ok(Self {
            access: encryption.primary_for(KeyPurpose::Access).await?,
            rotation: encryption.primary_for(KeyPurpose::Rotation).await?,
        })
    }

    /// The same, where a service may have made others since it was last asked.
    pub(crate) async fn present_now(encryption: &dyn KeyEncryption) -> Result<Self, CryptoError> {
        encryption.primary_now().await?;
        Self::present(encryption).await
    }

    /// The one that wraps data keys of that purpose.
    pub fn wrapping(&self, purpose: KeyPurpose) -> &KekId {
        match purpose {
            KeyPurpose::Access => &self.access,
            KeyPurpose::Rotation => &self.rotation,
        }
    }

    /// Whether that key wraps for any purpose.
    pub fn contains(&self, kek: &KekId) -> bool {
        self.access == *kek || self.rotation == *kek
    }

    /// Each of them once.
    pub fn ids(&self) -> Vec<KekId> {
        let mut ids = vec![self.access.clone(), self.rotation.clone()];
        ids.dedup();
        ids
    }

    /// Back from its text.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(AND) {
            Some((access, rotation)) => {
                Some(Self { access: KekId::new(access)?, rotation: KekId::new(rotation)? })
            }
            None => KekId::new(text).map(Self::same),
        }
    }
}

/// The name, or the names of access and rotation joined by `+`.
impl fmt::Display for WrappingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.access.as_str())?;
        if self.access != self.rotation {
            write!(f, "{AND}{}", self.rotation.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_or_two_come_back_from_their_text() {
        let kek = |id| KekId::new(id).unwrap();
        for (keys, text) in
            [(WrappingKeys::same(kek("a")), "a"), (WrappingKeys::of(kek("a"), kek("r")), "a+r")]
        {
            assert_eq!(keys.to_string(), text);
            assert_eq!(WrappingKeys::parse(text), Some(keys));
        }
        for bad in ["", "+", "a+", "+r", "a+b+c"] {
            assert_eq!(WrappingKeys::parse(bad), None, "{bad}");
        }
    }
}
