//! The keys of the audit log: one makes the hashes of records, another the fingerprints of tokens.
//!
//! They lie in the store, wrapped like data keys but of no tenant. Their purposes are those of data keys, so that a
//! process which only vends can open the key of fingerprints and not that of hashes.

use std::sync::Arc;

use broker_crypto::{
    CryptoError, DekId, DekMaterial, Entropy, KeyEncryption, KeyPurpose, MacKey, WrappedDek, WrappingPlace,
};

use crate::ports::KeyStore;
use crate::{BrokerError, Clock};

/// What stands for a tenant where a key of the audit log is wrapped: no tenant is called so.
pub(crate) const NO_TENANT: &str = "";

/// Where the keys are and who wraps them.
#[derive(Clone)]
pub struct AuditKeys {
    /// Where they are kept.
    pub store: Arc<dyn KeyStore>,
    /// Whoever holds the key encryption keys.
    pub encryption: Arc<dyn KeyEncryption>,
    /// Random bytes.
    pub entropy: Arc<dyn Entropy>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

impl AuditKeys {
    /// The key of that purpose; `None` if none was kept yet.
    pub(super) async fn kept(&self, purpose: KeyPurpose) -> Result<Option<MacKey>, BrokerError> {
        let keys = self.store.audit_keys().await?;
        match keys.iter().find(|key| key.purpose == purpose) {
            Some(wrapped) => Ok(Some(self.opened(wrapped).await?)),
            None => Ok(None),
        }
    }

    /// The key of that purpose, made and kept if there is none.
    pub(crate) async fn kept_or_made(&self, purpose: KeyPurpose) -> Result<MacKey, BrokerError> {
        if let Some(key) = self.kept(purpose).await? {
            return Ok(key);
        }
        let (wrapped, _) = self.fresh(purpose).await?;
        let kept = self.store.keep_audit_key(&wrapped, self.clock.now()).await?;
        Ok(self.opened(&kept).await?)
    }

    /// A new key, wrapped for the store.
    pub(super) async fn fresh(&self, purpose: KeyPurpose) -> Result<(WrappedDek, MacKey), BrokerError> {
        let entropy = self.entropy.as_ref();
        let (id, material) = (DekId::generate(entropy), DekMaterial::generate(entropy));
        let place = WrappingPlace { tenant: NO_TENANT, dek: id, purpose };
        let envelope = self.encryption.wrap(&material, place).await?;
        Ok((WrappedDek { id, purpose, envelope }, MacKey::from_material(&material)))
    }

    async fn opened(&self, wrapped: &WrappedDek) -> Result<MacKey, CryptoError> {
        let material = self.encryption.unwrap(&wrapped.envelope, wrapped.place(NO_TENANT)).await?;
        Ok(MacKey::from_material(&material))
    }
}
