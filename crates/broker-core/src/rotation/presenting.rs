//! The attempts whose presentation is under way in this process, late reading included, and those it has abandoned.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Story;
use crate::{AttemptId, TenantId, Timestamp};

/// A set that lets go of an attempt when its task ends, however it ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct PresentingSet(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    under_way: HashMap<AttemptId, Story>,
    abandoned: HashMap<AttemptId, Abandoned>,
}

/// A claimed attempt whose task is gone and has not settled it: it panicked, or the store refused what it brought.
#[derive(Debug, Clone)]
pub(super) struct Abandoned {
    pub(super) attempt: AttemptId,
    pub(super) tenant: TenantId,
    /// When the journal was replayed since: an answer that is in none of its records is lost.
    pub(super) replayed_at: Option<Timestamp>,
}

impl PresentingSet {
    pub(crate) fn contains(&self, attempt: AttemptId) -> bool {
        self.state().under_way.contains_key(&attempt)
    }

    /// Holds the attempt until the answer is dropped.
    pub(crate) fn hold(&self, attempt: AttemptId, story: Story) -> Presenting {
        self.state().under_way.insert(attempt, story);
        Presenting { set: self.clone(), attempt, claimed_for: None }
    }

    /// What is known of it, while it is under way.
    pub(super) fn story(&self, attempt: AttemptId) -> Option<Story> {
        self.state().under_way.get(&attempt).copied()
    }

    /// Adds to what is known of it.
    pub(super) fn note(&self, attempt: AttemptId, what: impl FnOnce(&mut Story)) {
        if let Some(story) = self.state().under_way.get_mut(&attempt) {
            what(story);
        }
    }

    pub(super) fn abandoned(&self) -> Vec<Abandoned> {
        self.state().abandoned.values().cloned().collect()
    }

    /// The attempt is closed: there is nothing to settle.
    pub(super) fn forget(&self, attempt: AttemptId) {
        self.state().abandoned.remove(&attempt);
    }

    /// A replay that began when these were abandoned is over.
    pub(super) fn note_replayed(&self, abandoned: &[Abandoned], at: Timestamp) {
        let mut state = self.state();
        for Abandoned { attempt, .. } in abandoned {
            if let Some(abandoned) = state.abandoned.get_mut(attempt) {
                abandoned.replayed_at = Some(at);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One presentation under way.
#[derive(Debug)]
pub(crate) struct Presenting {
    set: PresentingSet,
    attempt: AttemptId,
    /// The tenant, from the claim to the settlement.
    claimed_for: Option<TenantId>,
}

impl Presenting {
    /// The attempt stands in the store: whoever lets go of it now without a settlement abandons it.
    pub(crate) fn claimed(&mut self, tenant: &TenantId) {
        self.claimed_for = Some(tenant.clone());
    }

    /// The attempt is closed.
    pub(crate) fn settled(mut self) {
        self.claimed_for = None;
    }
}

impl Drop for Presenting {
    fn drop(&mut self) {
        let attempt = self.attempt;
        let mut state = self.set.state();
        state.under_way.remove(&attempt);
        if let Some(tenant) = self.claimed_for.take() {
            state.abandoned.insert(attempt, Abandoned { attempt, tenant, replayed_at: None });
        }
    }
}
