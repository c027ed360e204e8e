//! A lease that somebody else holds is respected for a while only: its holder may be dead (C1 of docs/rotation.md).

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::{GrantId, Timestamp};

/// So long is waited for whoever holds a lease. A claim follows its lease within milliseconds; from then on the store
/// says who is at work.
const PATIENCE: Duration = Duration::from_secs(5);

/// Leases of others that are remembered at once; beyond, they are respected until they run out.
const MOST: usize = 10_000;

/// When leases were first found to be somebody else's.
#[derive(Debug, Default)]
pub(crate) struct Patience(Mutex<HashMap<GrantId, Timestamp>>);

impl Patience {
    /// The lease was taken. Whether to go on without it: the store decides then.
    pub(super) fn is_over(&self, grant: GrantId, now: Timestamp) -> bool {
        let mut first_seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if first_seen.len() >= MOST {
            first_seen.retain(|_, seen| now.since(*seen) < PATIENCE * 2);
        }
        match first_seen.get(&grant) {
            Some(seen) => now.since(*seen) >= PATIENCE,
            None if first_seen.len() < MOST => {
                first_seen.insert(grant, now);
                false
            }
            None => false,
        }
    }

    /// The lease was free, or somebody was found at work.
    pub(super) fn restore(&self, grant: GrantId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&grant);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_of_somebody_else_is_respected_for_a_while() {
        let (patience, start) = (Patience::default(), Timestamp::from_unix_seconds(1_700_000_000));
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!patience.is_over(GrantId::NIL, at(0)) && !patience.is_over(GrantId::NIL, at(4)));
        assert!(patience.is_over(GrantId::NIL, at(5)));
        patience.restore(GrantId::NIL);
        assert!(!patience.is_over(GrantId::NIL, at(6)));
    }
}
