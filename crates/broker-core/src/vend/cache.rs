//! Grants ready to vend, sealed, in memory.

mod held;
mod set_aside;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

pub(crate) use self::held::HeldGrant;
use self::set_aside::SetAside;
use crate::ports::{StoreError, VendableGrant};
use crate::{BrokerError, GrantId, GrantKey};

/// A bounded set of grants, as sealed as in the store.
///
/// What has changed for certain is forgotten here. What may have changed is doubted: it is read again before it is
/// served, and served blind while the store does not answer.
pub(crate) struct GrantCache {
    grants: Cache<GrantKey, Entry>,
    /// News of other replicas names a grant by its id.
    keys: Cache<GrantId, GrantKey>,
    /// Doubted, and not read again since.
    aside: SetAside,
    /// How often everything was doubted.
    doubts: AtomicU64,
    /// How often the store is known to have answered.
    answers: AtomicU64,
}

#[derive(Clone)]
struct Entry {
    row: Arc<VendableGrant>,
    since: Since,
}

/// What an entry is good until.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Since {
    /// Read: until everything is doubted once more than when the reading began.
    Doubt(u64),
    /// Not read, for want of an answer of the store: until it answers.
    Answer(u64),
}

impl GrantCache {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            grants: Cache::new(capacity),
            keys: Cache::new(capacity),
            aside: SetAside::new(capacity),
            doubts: AtomicU64::new(0),
            answers: AtomicU64::new(0),
        }
    }

    /// Concurrent calls for one key read the store once. A `forget` or `doubt_key` during the read keeps its result out.
    pub(crate) async fn get_or_load(
        &self,
        key: &GrantKey,
        read: impl AsyncFnOnce() -> Result<Option<VendableGrant>, StoreError>,
    ) -> Result<HeldGrant, BrokerError> {
        match self.grants.get(key) {
            Some(entry) if self.is_good(entry.since) => return Ok(entry.into()),
            Some(entry) => _ = self.doubt(&entry.row),
            None => {}
        }
        Ok(self.grants.get_or_insert_async(key, self.load(key, read)).await?.into())
    }

    async fn load(
        &self,
        key: &GrantKey,
        read: impl AsyncFnOnce() -> Result<Option<VendableGrant>, StoreError>,
    ) -> Result<Entry, BrokerError> {
        let grant = key.grant_id();
        // Before the read: news that comes during it must find the key, and a doubt be seen.
        self.keys.insert(grant, key.clone());
        let (doubts, answers) = (load(&self.doubts), load(&self.answers));
        match read().await {
            Err(StoreError::Unavailable(source)) => match self.aside.lock().get(grant) {
                // Another allocation: whoever has seen the one before is not the first to doubt this one.
                Some(row) => Ok(Entry { row: Arc::new(row), since: Since::Answer(answers) }),
                None => Err(BrokerError::BackendUnavailable(source)),
            },
            read => {
                let row = read?;
                self.store_answers();
                self.aside.lock().remove(grant);
                let row = Arc::new(row.ok_or(BrokerError::GrantNotFound)?);
                Ok(Entry { row, since: Since::Doubt(doubts) })
            }
        }
    }

    fn is_good(&self, since: Since) -> bool {
        match since {
            Since::Doubt(doubts) => doubts == load(&self.doubts),
            Since::Answer(answers) => answers == load(&self.answers),
        }
    }

    /// The grant is another than the one held here.
    pub(crate) fn forget(&self, key: &GrantKey) {
        let mut aside = self.aside.lock();
        self.grants.remove(key);
        aside.remove(key.grant_id());
    }

    /// [`Self::forget`], by the id of the grant.
    pub(crate) fn forget_id(&self, grant: GrantId) {
        let mut aside = self.aside.lock();
        if let Some(key) = self.keys.get(&grant) {
            self.grants.remove(&key);
        }
        aside.remove(grant);
    }

    /// Grants that nobody names are others than those held here.
    pub(crate) fn forget_all(&self) {
        let mut aside = self.aside.lock();
        self.grants.clear();
        aside.clear();
    }

    /// The grant may be another than the one the caller has seen here. `false`: it was doubted or forgotten before, and
    /// somebody may have looked since.
    pub(crate) fn doubt(&self, seen: &Arc<VendableGrant>) -> bool {
        let mut aside = self.aside.lock();
        let is_seen = |entry: &Entry| Arc::ptr_eq(&entry.row, seen);
        let doubted = self.grants.remove_if(&seen.grant.key, is_seen).is_some();
        if doubted {
            aside.insert(seen);
        }
        doubted
    }

    /// The grant may be another than the one held here, or being read.
    pub(crate) fn doubt_key(&self, key: &GrantKey) {
        let mut aside = self.aside.lock();
        if let Some((_, entry)) = self.grants.remove(key) {
            aside.insert(&entry.row);
        }
    }

    /// [`Self::doubt_key`], by the id of the grant.
    pub(crate) fn doubt_id(&self, grant: GrantId) {
        if let Some(key) = self.keys.get(&grant) {
            self.doubt_key(&key);
        }
    }

    /// Any grant may be another than the one held here.
    pub(crate) fn doubt_all(&self) {
        self.doubts.fetch_add(1, Ordering::AcqRel);
    }

    /// What is served blind is to be read again.
    pub(crate) fn store_answers(&self) {
        self.answers.fetch_add(1, Ordering::AcqRel);
    }
}

impl From<Entry> for HeldGrant {
    fn from(Entry { row, since }: Entry) -> Self {
        Self::new(row, matches!(since, Since::Answer(_)))
    }
}

fn load(count: &AtomicU64) -> u64 {
    count.load(Ordering::Acquire)
}
