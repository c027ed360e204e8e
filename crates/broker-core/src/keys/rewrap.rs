//! Data keys, wrapped anew under the primary key encryption key.

use broker_crypto::{CryptoError, WrappedDek};

use super::count::PAGE;
use super::worker::{Stopped, Worker};
use crate::ports::{DataKey, DataKeyQuery};
use crate::{BrokerError, KeyRotationWalk, TenantId};

impl Worker<'_> {
    /// Wraps a tenant's data keys anew.
    pub(super) async fn rewrap(&mut self, tenant: &TenantId) -> Result<(), Stopped> {
        let mut query = DataKeyQuery { tenant: Some(tenant.clone()), after: None, limit: PAGE };
        loop {
            let page = self.broker.key_store.data_keys(&query).await.map_err(BrokerError::from)?;
            let Some(last) = page.last() else { return Ok(()) };
            query.after = Some((last.tenant.clone(), last.number));
            for key in &page {
                self.rewrap_key(key).await?;
            }
            self.note().await?;
        }
    }

    async fn rewrap_key(&mut self, key: &DataKey) -> Result<(), BrokerError> {
        let Some(before) = key.wrapped() else { return Ok(()) };
        let target = self.rotation.target.as_ref().map(|target| target.wrapping(key.purpose));
        if before.wrapping_key().as_ref() == target {
            return Ok(());
        }
        match self.wrapped_anew(key.tenant.as_str(), &before).await {
            Ok(after) => {
                // What else has changed it is another rotation of the same kind, which did the same.
                let rewrapped = self.broker.key_store.rewrap_data_key(&key.tenant, &before, &after).await?;
                self.count_done(u64::from(rewrapped));
            }
            Err(error @ CryptoError::Unavailable(_)) => return Err(error.into()),
            Err(error) => {
                tracing::error!(tenant = %key.tenant, key = %key.id, %error, "a data key does not open; it is left as it is");
                self.rotation.failed += u64::from(self.rotation.walk == KeyRotationWalk::Last);
            }
        }
        Ok(())
    }

    /// Opened and wrapped, not handed to a service to do both: only so is the wrapping bound to its place again.
    pub(super) async fn wrapped_anew(
        &self,
        tenant: &str,
        before: &WrappedDek,
    ) -> Result<WrappedDek, CryptoError> {
        let encryption = &self.broker.keys.encryption;
        let place = before.place(tenant);
        let material = encryption.unwrap(&before.envelope, place).await?;
        Ok(WrappedDek { envelope: encryption.wrap(&material, place).await?, ..before.clone() })
    }
}
