//! Retiring a key: what it had protected is lost with it, so nothing may be left.

use std::time::Duration;

use broker_crypto::{DekId, KekId};

use super::list::dek_info;
use crate::ports::{DataKey, EscrowError, EscrowRecord};
use crate::{Actor, Broker, BrokerError, KeyInfo, KeyLife, Timestamp};

/// How long journals keep the newest answer of each grant.
const JOURNALS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// Why a key cannot be retired yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyUse {
    /// It seals or wraps whatever is new.
    Primary,
    /// So much in the store needs it.
    InStore(u64),
    /// Journals of replicas may hold answers sealed under it until this time.
    InJournalsUntil(Timestamp),
    /// The journal of the replica that was asked holds an answer sealed under it.
    InOwnJournal,
}

impl Broker {
    /// Retires the key of that id. A data key's envelope is erased: its values could not be opened by anybody any more.
    /// A key encryption key is marked; removing it from where it is kept is the operator's.
    ///
    /// Fails with [`BrokerError::KeyInUse`] while anything needs it. Idempotent.
    pub async fn retire_key(&self, id: &str, by: &Actor) -> Result<KeyInfo, BrokerError> {
        if let Ok(dek) = id.parse::<DekId>()
            && let Some(key) = self.key_store.data_key(dek).await?
        {
            return self.retire_dek(key, by).await;
        }
        self.retire_kek(id, by).await
    }

    async fn retire_dek(&self, key: DataKey, by: &Actor) -> Result<KeyInfo, BrokerError> {
        if key.retired_at.is_some() {
            return Ok(dek_info(&key, 0));
        }
        if let Some(needed) = self.dek_use(&key).await? {
            return Err(BrokerError::KeyInUse(needed));
        }
        let now = self.clock.now();
        let record = by.did(Some(&key.tenant), now).resource(format!("keys/{}", key.id));
        if !self.key_store.retire_data_key(&key.tenant, key.id, now, &record).await? {
            // Something was sealed under it since it was counted.
            return Err(BrokerError::KeyInUse(KeyUse::InStore(1)));
        }
        self.keys.reload(&key.tenant).await?;
        tracing::info!(event = "key.retired", tenant = %key.tenant, key = %key.id, "data key retired");
        let retired = self.key_store.data_key(key.id).await?.ok_or(BrokerError::KeyNotFound)?;
        Ok(dek_info(&retired, 0))
    }

    async fn dek_use(&self, key: &DataKey) -> Result<Option<KeyUse>, BrokerError> {
        let Some(superseded_at) = key.superseded_at else { return Ok(Some(KeyUse::Primary)) };
        if let Some(count) = self.count_sealed(&key.tenant).await?.get(&Some(key.id)) {
            return Ok(Some(KeyUse::InStore(*count)));
        }
        let until = superseded_at + JOURNALS_KEPT + self.timing.escrow_wait;
        if self.clock.now() < until {
            return Ok(Some(KeyUse::InJournalsUntil(until)));
        }
        let journal = self.escrow.records().await.map_err(unusable)?;
        let mut named = journal.records.iter().filter(|record| record.body.key_id() == Some(key.id));
        let needed = named.any(|record| self.is_needed(record));
        Ok(needed.then_some(KeyUse::InOwnJournal))
    }

    /// An answer older than journals are kept lies there until the next start, and is needed only if it is not settled.
    fn is_needed(&self, record: &EscrowRecord) -> bool {
        let recent = self.clock.now().since(record.received_at) < JOURNALS_KEPT;
        recent || self.unsettled.contains(record.attempt.id)
    }

    async fn retire_kek(&self, id: &str, by: &Actor) -> Result<KeyInfo, BrokerError> {
        let kek = self.kek(id).await?;
        match (kek.life, kek.use_count) {
            (KeyLife::Primary, _) => return Err(BrokerError::KeyInUse(KeyUse::Primary)),
            (KeyLife::Retired, 0) => return Ok(kek),
            (_, 0) => {}
            (_, count) => return Err(BrokerError::KeyInUse(KeyUse::InStore(count))),
        }
        let name = KekId::new(id).ok_or(BrokerError::KeyNotFound)?;
        let record = by.did(None, self.clock.now()).resource(format!("keys/{}", name.as_str()));
        if !self.key_store.retire_kek(&name, record.at, &record).await? {
            return Err(BrokerError::KeyInUse(KeyUse::Primary));
        }
        tracing::info!(event = "key.retired", key = id, "key encryption key retired");
        self.kek(id).await
    }

    async fn kek(&self, id: &str) -> Result<KeyInfo, BrokerError> {
        self.keks().await?.into_iter().find(|kek| kek.id == id).ok_or(BrokerError::KeyNotFound)
    }
}

fn unusable(error: EscrowError) -> BrokerError {
    BrokerError::BackendUnavailable(Box::new(error))
}
