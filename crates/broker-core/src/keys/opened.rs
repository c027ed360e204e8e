//! Tenants' data keys, opened once and kept.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_crypto::{
    CryptoError, DataEncryptionKey, DekId, KeyEncryption, KeyPurpose, TenantKeys, WrappedDek, unwrap_dek,
};
use quick_cache::sync::Cache;

use super::sealing::Turns;
use super::wear::WornKeys;
use crate::ports::{KeyStore, TenantStore};
use crate::{BrokerError, Clock, TenantId, Timestamp};

const TENANTS_KEPT: usize = 10_000;

/// A key that was looked for in vain is not looked for again so soon: an envelope that names a key which never was
/// must not cost a read of the store each time it is met.
const MISSED_FOR: Duration = Duration::from_secs(5);

/// The keys of one tenant.
#[derive(Debug, Default)]
struct Opened {
    /// Shared by all who use them: exchanged here, they are exchanged for everybody.
    keys: Arc<TenantKeys>,
    /// Held while the store is read once more: of many who miss a key one reads.
    reading: tokio::sync::Mutex<()>,
    missed: Mutex<HashMap<DekId, Timestamp>>,
}

/// Opens a tenant's data keys on first use, and learns of new ones.
pub(crate) struct TenantKeyCache {
    pub(crate) encryption: Arc<dyn KeyEncryption>,
    tenants: Arc<dyn TenantStore>,
    clock: Arc<dyn Clock>,
    /// Nothing of another purpose is opened here; `None` opens all.
    only: Option<KeyPurpose>,
    opened: Cache<TenantId, Arc<Opened>>,
    pub(super) store: Arc<dyn KeyStore>,
    pub(super) turns: Turns,
    pub(super) worn: WornKeys,
}

impl TenantKeyCache {
    pub(crate) fn new(
        encryption: Arc<dyn KeyEncryption>,
        tenants: Arc<dyn TenantStore>,
        store: Arc<dyn KeyStore>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (turns, worn) = (Turns::default(), WornKeys::default());
        let opened = Cache::new(TENANTS_KEPT);
        Self { encryption, tenants, clock, only: None, opened, store, turns, worn }
    }

    /// One that never tries to open a key of another purpose.
    pub(crate) fn only_for(self, purpose: KeyPurpose) -> Self {
        Self { only: Some(purpose), ..self }
    }

    /// The keys of `tenant`; [`BrokerError::TenantNotFound`] if there is none.
    pub(crate) async fn of(&self, tenant: &TenantId) -> Result<Arc<TenantKeys>, BrokerError> {
        Ok(self.entry(tenant).await?.keys.clone())
    }

    /// The keys of `tenant`, for something sealed under `key`: if that one is not known here, another replica may have
    /// made it, and the store is asked once more.
    pub(crate) async fn opening(
        &self,
        tenant: &TenantId,
        key: Option<DekId>,
    ) -> Result<Arc<TenantKeys>, BrokerError> {
        let entry = self.entry(tenant).await?;
        if let Some(key) = key.filter(|key| !entry.keys.holds(*key)) {
            self.look_for(tenant, &entry, key).await?;
        }
        Ok(entry.keys.clone())
    }

    /// Reads a tenant's keys once more, if any of them are opened here.
    pub(crate) async fn reload(&self, tenant: &TenantId) -> Result<(), BrokerError> {
        match self.opened.get(tenant) {
            Some(entry) => self.read_again(tenant, &entry).await,
            None => Ok(()),
        }
    }

    /// Forgets a tenant's keys, for whoever holds them too: they were destroyed.
    pub(crate) fn forget(&self, tenant: &TenantId) {
        if let Some((_, entry)) = self.opened.remove(tenant) {
            entry.keys.replace(Vec::new());
        }
    }

    /// The keys opened here of `tenant`, if any are.
    pub(crate) fn peek(&self, tenant: &TenantId) -> Option<Arc<TenantKeys>> {
        self.opened.get(tenant).map(|entry| entry.keys.clone())
    }

    /// The highest count of seals among the keys that are open here.
    pub(crate) fn most_seals(&self) -> u64 {
        let of = |(_, entry): (TenantId, Arc<Opened>)| {
            entry.keys.opened().iter().map(|key| key.seals_counted()).max().unwrap_or(0)
        };
        self.opened.iter().map(of).max().unwrap_or(0)
    }

    async fn entry(&self, tenant: &TenantId) -> Result<Arc<Opened>, BrokerError> {
        self.opened
            .get_or_insert_async(tenant, async {
                let entry = Opened::default();
                self.read_again(tenant, &entry).await?;
                Ok(Arc::new(entry))
            })
            .await
    }

    async fn look_for(&self, tenant: &TenantId, entry: &Opened, key: DekId) -> Result<(), BrokerError> {
        let _one = entry.reading.lock().await;
        let now = self.clock.now();
        if entry.keys.holds(key) || entry.was_missed(key, now) {
            return Ok(());
        }
        self.read_again(tenant, entry).await?;
        if !entry.keys.holds(key) {
            entry.note_missed(key, now);
        }
        Ok(())
    }

    async fn read_again(&self, tenant: &TenantId, entry: &Opened) -> Result<(), BrokerError> {
        let row = self.tenants.tenant(tenant).await?.ok_or(BrokerError::TenantNotFound)?;
        let known = entry.keys.opened();
        let mut keys = Vec::with_capacity(row.keys.len());
        for wrapped in row.keys.iter().filter(|key| self.only.is_none_or(|only| key.purpose == only)) {
            match known.iter().find(|key| key.id() == wrapped.id) {
                Some(key) => keys.push(key.clone()),
                None => keys.extend(self.unwrap(tenant, wrapped, &keys).await?),
            }
        }
        entry.keys.replace(keys);
        Ok(())
    }

    /// A key that seals must open. An older one that does not costs what it sealed, not the tenant.
    async fn unwrap(
        &self,
        tenant: &TenantId,
        wrapped: &WrappedDek,
        newer: &[Arc<DataEncryptionKey>],
    ) -> Result<Option<Arc<DataEncryptionKey>>, CryptoError> {
        match unwrap_dek(self.encryption.as_ref(), tenant.as_str(), wrapped).await {
            Ok(key) => Ok(Some(Arc::new(key))),
            Err(error @ CryptoError::Unavailable(_)) => Err(error),
            Err(error) if has(newer, wrapped.purpose) => {
                tracing::error!(%tenant, key = %wrapped.id, %error, "an older data key does not open");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn has(keys: &[Arc<DataEncryptionKey>], purpose: KeyPurpose) -> bool {
    keys.iter().any(|key| key.purpose() == purpose)
}

impl Opened {
    fn was_missed(&self, key: DekId, now: Timestamp) -> bool {
        let missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.get(&key).is_some_and(|at| now.since(*at) < MISSED_FOR)
    }

    fn note_missed(&self, key: DekId, now: Timestamp) {
        let mut missed = self.missed.lock().unwrap_or_else(PoisonError::into_inner);
        missed.retain(|_, at| now.since(*at) < MISSED_FOR);
        missed.insert(key, now);
    }
}
