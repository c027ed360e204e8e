//! Grants lost between a provider and the store, by where in `docs/rotation.md` the table puts it, as far as that can be
//! told.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::measure::Counts;
use crate::{FailureKind, Grant, GrantId};

/// The provider took the token, and nobody has seen what it answered: on the wire (C4), or read and not yet in the
/// journal (C5). Both look alike from here.
const NO_ANSWER: &str = "c4_c5";

/// The owner's journal may have had the answer, and never came back (C6n).
const NO_JOURNAL: &str = "c6n";

/// It answered, but not with tokens that could be read.
const ANSWERED: &str = "answered";

/// The grant failed in another way since it was in doubt.
const UNKNOWN: &str = "unknown";

/// The most grants kept in mind whose journal was not seen.
const MOST: usize = 10_000;

/// Losses of this process. A suspect that proves dead is not among them: whether the user revoked it or a frozen owner
/// ended its family (C11) looks the same.
#[derive(Debug, Default)]
pub struct Losses {
    counts: Counts<&'static str>,
    without_journal: Mutex<HashSet<GrantId>>,
}

impl Losses {
    /// How many grants were lost at each point.
    pub fn read(&self) -> Vec<(&'static str, u64)> {
        self.counts.read()
    }

    /// The points that can be told apart.
    pub const POINTS: [&'static str; 4] = [NO_ANSWER, NO_JOURNAL, ANSWERED, UNKNOWN];

    /// An attempt was closed in doubt although its owner's journal was never replayed.
    pub(super) fn journal_not_seen(&self, grant: GrantId) {
        let mut grants = self.without_journal();
        if grants.len() < MOST {
            grants.insert(grant);
        }
    }

    /// A grant in doubt has a new token set: nothing was lost.
    pub(super) fn recovered(&self, grant: GrantId) {
        self.without_journal().remove(&grant);
    }

    /// A grant in doubt, as it was before, proved to be dead.
    pub(super) fn lost(&self, before: &Grant) {
        let doubt = before.last_failure.as_ref().filter(|failure| failure.kind == FailureKind::Uncertain);
        let point = match (self.without_journal().remove(&before.id), doubt) {
            (true, _) => NO_JOURNAL,
            (false, Some(doubt)) if doubt.http_status.is_some() => ANSWERED,
            (false, Some(_)) => NO_ANSWER,
            (false, None) => UNKNOWN,
        };
        self.counts.count(point);
    }

    fn without_journal(&self) -> MutexGuard<'_, HashSet<GrantId>> {
        self.without_journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LastFailure;
    use crate::rotation::samples::{NOW, sample_grant};

    fn doubtful(kind: FailureKind, http_status: Option<u16>) -> Grant {
        let failure = LastFailure { kind, at: NOW, oauth_error: None, http_status, in_a_row: 1, since: NOW };
        Grant { last_failure: Some(failure), ..sample_grant() }
    }

    #[test]
    fn a_loss_is_put_where_it_can_be_told_to_belong() {
        let (losses, silent) = (Losses::default(), doubtful(FailureKind::Uncertain, None));
        losses.journal_not_seen(silent.id);
        losses.lost(&silent);
        losses.lost(&silent);
        losses.lost(&doubtful(FailureKind::Uncertain, Some(500)));
        losses.lost(&doubtful(FailureKind::Throttled, Some(429)));
        assert_eq!(losses.read(), [("answered", 1), ("c4_c5", 1), ("c6n", 1), ("unknown", 1)]);
        assert!(losses.read().iter().all(|(point, _)| Losses::POINTS.contains(point)));
    }

    #[test]
    fn a_grant_that_recovered_is_not_lost_for_want_of_a_journal_later() {
        let (losses, silent) = (Losses::default(), doubtful(FailureKind::Uncertain, None));
        losses.journal_not_seen(silent.id);
        losses.recovered(silent.id);
        losses.lost(&silent);
        assert_eq!(losses.read(), [("c4_c5", 1)]);
    }
}
