//! What keys there are, and how much each protects.

use std::collections::{BTreeMap, HashMap};

use broker_crypto::{CryptoError, KekId};

use super::WrappingKeys;
use super::count::SealedCounts;
use crate::ports::{DataKey, DataKeyQuery, KnownKek};
use crate::{Broker, BrokerError, KeyKind, TenantId, Timestamp};

/// Where a key stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyLife {
    /// Seals and opens.
    Primary,
    /// Opens only.
    Opening,
    /// Destroyed, or for a key encryption key, declared so.
    Retired,
}

/// What is known of a key. Never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// Its id: a name for a key encryption key, a UUID for a data key.
    pub id: String,
    /// Its kind.
    pub kind: KeyKind,
    /// The tenant of a data key.
    pub tenant: Option<TenantId>,
    /// Where it stands.
    pub life: KeyLife,
    /// The key a data key is wrapped under.
    pub wrapping_key: Option<KekId>,
    /// How many sealed values or data keys it protects, counted now.
    pub use_count: u64,
    /// How many values a data key has sealed: counted in blocks ahead of use, so never too few. 0 for other keys.
    pub encryption_count: u64,
    /// When it was made, or first met; `None` for a key that never was primary here.
    pub created_at: Option<Timestamp>,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
}

/// The last key of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyCursor {
    /// A key encryption key; they come first.
    Kek(String),
    /// A data key, by tenant and number.
    Dek(TenantId, u64),
}

/// Which keys to list.
#[derive(Debug, Clone)]
pub struct KeyQuery {
    /// Only data keys of this tenant; `None` for all keys.
    pub tenant: Option<TenantId>,
    /// Only this kind.
    pub kind: Option<KeyKind>,
    /// Only those after this one.
    pub after: Option<KeyCursor>,
    /// At most this many.
    pub limit: u32,
}

/// A page of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyList {
    /// The keys.
    pub keys: Vec<KeyInfo>,
    /// The last of them, if there are more.
    pub next: Option<KeyCursor>,
}

impl Broker {
    /// A page of keys: key encryption keys by name, then data keys by tenant and age.
    pub async fn list_keys(&self, query: &KeyQuery) -> Result<KeyList, BrokerError> {
        let limit = query.limit as usize;
        let mut found: Vec<(KeyCursor, KeyInfo)> = Vec::new();
        if query.tenant.is_none() && query.kind != Some(KeyKind::Dek) {
            found.extend(self.keks_after(query.after.as_ref()).await?);
        }
        if found.len() <= limit && query.kind != Some(KeyKind::Kek) {
            found.extend(self.deks_after(query).await?);
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().map(|(cursor, _)| cursor.clone()).filter(|_| more);
        Ok(KeyList { keys: found.into_iter().map(|(_, key)| key).collect(), next })
    }

    async fn keks_after(&self, after: Option<&KeyCursor>) -> Result<Vec<(KeyCursor, KeyInfo)>, BrokerError> {
        let after = match after {
            None => "",
            Some(KeyCursor::Kek(id)) => id.as_str(),
            Some(KeyCursor::Dek(..)) => return Ok(Vec::new()),
        };
        let mut keks = Vec::new();
        for kek in self.keks().await?.into_iter().filter(|kek| kek.id.as_str() > after) {
            keks.push((KeyCursor::Kek(kek.id.clone()), kek));
        }
        Ok(keks)
    }

    /// Every key encryption key that the store has met or this process holds.
    pub(super) async fn keks(&self) -> Result<Vec<KeyInfo>, BrokerError> {
        let primary = match WrappingKeys::present(self.keys.encryption.as_ref()).await {
            Err(CryptoError::Unavailable(_)) => None,
            known => Some(known?),
        };
        let known = self.key_store.known_keks().await?.into_iter().map(|kek| (kek.id.clone(), kek));
        let known: BTreeMap<KekId, KnownKek> = known.collect();
        let mut ids: Vec<KekId> = self.keys.encryption.ids();
        ids.extend(known.keys().cloned());
        ids.sort();
        ids.dedup();
        let mut keks = Vec::new();
        for id in ids {
            let use_count = self.key_store.wrapped_under(&id).await?;
            keks.push(kek_info(
                &id,
                known.get(&id),
                primary.as_ref().is_some_and(|primary| primary.contains(&id)),
                use_count,
            ));
        }
        Ok(keks)
    }

    async fn deks_after(&self, query: &KeyQuery) -> Result<Vec<(KeyCursor, KeyInfo)>, BrokerError> {
        let after = match &query.after {
            Some(KeyCursor::Dek(tenant, number)) => Some((tenant.clone(), *number)),
            _ => None,
        };
        let query =
            DataKeyQuery { tenant: query.tenant.clone(), after, limit: query.limit.saturating_add(1) };
        let mut counts: HashMap<TenantId, SealedCounts> = HashMap::new();
        let mut deks = Vec::new();
        for key in self.key_store.data_keys(&query).await? {
            if !counts.contains_key(&key.tenant) {
                counts.insert(key.tenant.clone(), self.count_sealed(&key.tenant).await?);
            }
            let sealed = counts.get(&key.tenant).and_then(|counts| counts.get(&Some(key.id)));
            deks.push((
                KeyCursor::Dek(key.tenant.clone(), key.number),
                dek_info(&key, sealed.copied().unwrap_or(0)),
            ));
        }
        Ok(deks)
    }
}

fn kek_info(id: &KekId, known: Option<&KnownKek>, primary: bool, use_count: u64) -> KeyInfo {
    let retired_at = known.and_then(|known| known.retired_at);
    KeyInfo {
        id: id.as_str().to_owned(),
        kind: KeyKind::Kek,
        tenant: None,
        life: match (primary, retired_at) {
            (true, _) => KeyLife::Primary,
            (false, None) => KeyLife::Opening,
            (false, Some(_)) => KeyLife::Retired,
        },
        wrapping_key: None,
        use_count,
        encryption_count: 0,
        created_at: known.map(|known| known.created_at),
        retired_at,
    }
}

pub(super) fn dek_info(key: &DataKey, use_count: u64) -> KeyInfo {
    KeyInfo {
        id: key.id.to_string(),
        kind: KeyKind::Dek,
        tenant: Some(key.tenant.clone()),
        life: match (key.superseded_at, key.retired_at) {
            (_, Some(_)) => KeyLife::Retired,
            (Some(_), None) => KeyLife::Opening,
            (None, None) => KeyLife::Primary,
        },
        wrapping_key: key.wrapping_key(),
        use_count,
        encryption_count: key.sealed,
        created_at: Some(key.created_at),
        retired_at: key.retired_at,
    }
}
