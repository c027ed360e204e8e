//! Grants that are to be read again before they are served, in case that they cannot be.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::unsync::Cache;

use crate::GrantId;
use crate::ports::VendableGrant;

/// Locked for every change of what is held, so that none is seen here and not there.
pub(super) struct SetAside(Mutex<Kept>);

pub(super) struct Kept(Cache<GrantId, Arc<VendableGrant>>);

impl SetAside {
    pub(super) fn new(capacity: usize) -> Self {
        Self(Mutex::new(Kept(Cache::new(capacity))))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    pub(super) fn get(&self, grant: GrantId) -> Option<VendableGrant> {
        self.0.get(&grant).map(|row| VendableGrant::clone(row))
    }

    pub(super) fn insert(&mut self, row: &Arc<VendableGrant>) {
        self.0.insert(row.grant.id, row.clone());
    }

    pub(super) fn remove(&mut self, grant: GrantId) {
        self.0.remove(&grant);
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}
