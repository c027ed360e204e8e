//! Heads that this process has seen: a chain never gets shorter.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::ChainMark;

/// The newest head seen of each chain.
#[derive(Debug, Default)]
pub(super) struct SeenHeads {
    heads: Mutex<HashMap<String, (u64, Vec<u8>)>>,
    went_back: AtomicU64,
}

impl SeenHeads {
    /// Remembers a head that this process has written.
    pub(super) fn remember(&self, head: &ChainMark) {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.insert(head.chain.clone(), (head.sequence, head.hash.clone()));
    }

    /// Remembers a head that was verified, unless a newer one was seen meanwhile.
    pub(super) fn remember_newer(&self, head: &ChainMark) {
        if head.sequence > self.sequence(&head.chain) {
            self.remember(head);
        }
    }

    /// The place of the newest head seen of a chain; 0 if none was.
    pub(super) fn sequence(&self, chain: &str) -> u64 {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(chain).map_or(0, |(sequence, _)| *sequence)
    }

    /// Whether a head can follow what was seen of its chain.
    pub(super) fn allow(&self, head: &ChainMark) -> bool {
        let heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        heads.get(&head.chain).is_none_or(|(sequence, hash)| {
            head.sequence > *sequence || (head.sequence == *sequence && head.hash == *hash)
        })
    }

    /// Says that somebody has meddled with the end of a chain.
    pub(super) fn shout(&self, chain: &str, found: Option<u64>) {
        self.went_back.fetch_add(1, Ordering::Relaxed);
        tracing::error!(
            event = "audit.head_went_back",
            chain,
            found,
            seen = self.sequence(chain),
            "the end of an audit log is not where it was left: somebody has changed the store; the log goes on after a \
             gap, which VerifyAuditLog names"
        );
    }

    /// How often that was said.
    pub(super) fn times_shouted(&self) -> u64 {
        self.went_back.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_goes_on_or_stays_as_it_was() {
        let head =
            |sequence, hash| ChainMark { chain: "acme".into(), sequence, hash: vec![hash], mac: Vec::new() };
        let seen = SeenHeads::default();
        assert!(seen.allow(&head(1, 0)));
        seen.remember(&head(5, 5));
        assert!(seen.allow(&head(5, 5)) && seen.allow(&head(6, 0)));
        assert!(!seen.allow(&head(4, 4)) && !seen.allow(&head(5, 6)));
    }
}
