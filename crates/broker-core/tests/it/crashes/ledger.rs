//! What the broker's steps amount to, over all its runs.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use broker_core::{Attempt, AttemptKind, Generation, LineageId};

use super::modes::Mode;

pub(crate) struct Ledger {
    mode: Mode,
    ended: Mutex<Vec<&'static str>>,
    /// The refresh tokens whose successor stands in the store or in a journal.
    replaced: Mutex<HashSet<(LineageId, Generation)>>,
    double_spends: AtomicU32,
}

impl Ledger {
    pub(crate) fn new(mode: Mode) -> Self {
        Self { mode, ended: Mutex::default(), replaced: Mutex::default(), double_spends: AtomicU32::new(0) }
    }

    /// An attempt was closed, or its answer adopted.
    pub(crate) fn ended(&self, attempt: &Attempt, how: &'static str) {
        if attempt.kind == AttemptKind::Refresh {
            self.ended.lock().unwrap().push(how);
        }
    }

    /// The successor of the token that this attempt presents is kept.
    pub(crate) fn replaced(&self, attempt: &Attempt) {
        if attempt.kind == AttemptKind::Refresh && self.mode != Mode::Reusable {
            self.replaced.lock().unwrap().insert((attempt.lineage, attempt.generation));
        }
    }

    /// The attempt's token goes out now.
    pub(crate) fn presented(&self, attempt: &Attempt) {
        let token = (attempt.lineage, attempt.generation);
        let dead = attempt.kind == AttemptKind::Refresh && self.replaced.lock().unwrap().contains(&token);
        self.double_spends.fetch_add(u32::from(dead), Ordering::SeqCst);
    }

    /// What was kept is gone, with its machine.
    pub(crate) fn forget_replaced(&self) {
        self.replaced.lock().unwrap().clear();
    }

    /// How often a token was presented whose successor was kept.
    pub(crate) fn double_spends(&self) -> u32 {
        self.double_spends.load(Ordering::SeqCst)
    }

    /// How attempts ended, in order.
    pub(crate) fn endings(&self) -> Vec<&'static str> {
        self.ended.lock().unwrap().clone()
    }
}
