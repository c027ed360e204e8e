//! The keys of the audit log, wrapped anew with the data keys of all tenants.

use broker_crypto::{CryptoError, WrappedDek};

use super::WrappingKeys;
use super::worker::Worker;
use crate::audit::NO_TENANT;
use crate::{Broker, BrokerError, KeyRotation, KeyRotationWalk};

impl Broker {
    /// How many keys of the audit log a rotation has to wrap anew.
    pub(super) async fn count_audit_keys(&self, rotation: &KeyRotation) -> Result<u64, BrokerError> {
        let Some(target) = target_of_all(rotation) else { return Ok(0) };
        let keys = self.key_store.audit_keys().await?;
        Ok(keys.iter().filter(|key| is_to_wrap(key, target)).count() as u64)
    }
}

impl Worker<'_> {
    /// Wraps the keys of the audit log anew, in a rotation of every tenant's.
    pub(super) async fn rewrap_audit_keys(&mut self) -> Result<(), BrokerError> {
        let Some(target) = target_of_all(&self.rotation).cloned() else { return Ok(()) };
        for before in self.broker.key_store.audit_keys().await? {
            if is_to_wrap(&before, &target) {
                self.rewrap_audit_key(&before).await?;
            }
        }
        Ok(())
    }

    async fn rewrap_audit_key(&mut self, before: &WrappedDek) -> Result<(), BrokerError> {
        match self.wrapped_anew(NO_TENANT, before).await {
            Ok(after) => {
                let rewrapped = self.broker.key_store.rewrap_audit_key(before, &after).await?;
                self.count_done(u64::from(rewrapped));
            }
            Err(error @ CryptoError::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(key = %before.id, %error, "a key of the audit log does not open; it is left as it is");
                self.rotation.failed += u64::from(self.rotation.walk == KeyRotationWalk::Last);
            }
        }
        Ok(())
    }
}

fn is_to_wrap(key: &WrappedDek, target: &WrappingKeys) -> bool {
    key.wrapping_key().as_ref() != Some(target.wrapping(key.purpose))
}

fn target_of_all(rotation: &KeyRotation) -> Option<&WrappingKeys> {
    rotation.target.as_ref().filter(|_| rotation.tenant.is_none())
}
