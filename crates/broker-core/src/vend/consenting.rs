//! Which grants a consent is under way for that may end their present token set (rule 13).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::news::HEARD_FOR;
use crate::{GrantId, Timestamp};

/// Consents of other replicas that are remembered at once. Of more nothing is told.
const MOST_HEARD: usize = 10_000;

/// Consents under way: those of this process until they end, those of others for a while after they were heard of.
#[derive(Debug, Clone, Default)]
pub(crate) struct Consenting(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    here: HashMap<GrantId, usize>,
    heard: HashMap<GrantId, Timestamp>,
}

/// One consent under way in this process, until it is dropped.
#[derive(Debug)]
pub(crate) struct ConsentUnderWay {
    of: Consenting,
    grant: GrantId,
}

impl Consenting {
    /// One begins here.
    pub(crate) fn begin(&self, grant: GrantId) -> ConsentUnderWay {
        *self.state().here.entry(grant).or_default() += 1;
        ConsentUnderWay { of: self.clone(), grant }
    }

    /// Whether one is under way, as far as is known here.
    pub(super) fn contains(&self, grant: GrantId, now: Timestamp) -> bool {
        let state = self.state();
        let lately = |heard: &Timestamp| now.since(*heard) < HEARD_FOR;
        state.here.contains_key(&grant) || state.heard.get(&grant).is_some_and(lately)
    }

    pub(super) fn hear(&self, grant: GrantId, now: Timestamp) {
        let mut state = self.state();
        if state.heard.len() >= MOST_HEARD {
            state.heard.retain(|_, heard| now.since(*heard) < HEARD_FOR);
        }
        if state.heard.len() < MOST_HEARD {
            state.heard.insert(grant, now);
        }
    }

    /// The one that was heard of has ended.
    pub(super) fn is_over(&self, grant: GrantId) {
        self.state().heard.remove(&grant);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ConsentUnderWay {
    fn drop(&mut self) {
        let mut state = self.of.state();
        match state.here.get_mut(&self.grant) {
            Some(more) if *more > 1 => *more -= 1,
            _ => drop(state.here.remove(&self.grant)),
        }
        // It was heard of here too.
        state.heard.remove(&self.grant);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[test]
    fn one_here_is_known_until_the_last_of_its_grant_ends() {
        let consenting = Consenting::default();
        let (first, second) = (consenting.begin(GrantId::NIL), consenting.begin(GrantId::NIL));
        drop(first);
        assert!(consenting.contains(GrantId::NIL, NOW));
        drop(second);
        assert!(!consenting.contains(GrantId::NIL, NOW));
    }

    #[test]
    fn one_elsewhere_is_known_for_a_while_or_until_its_end_is_heard() {
        let consenting = Consenting::default();
        consenting.hear(GrantId::NIL, NOW);
        assert!(consenting.contains(GrantId::NIL, NOW + Duration::from_secs(9)));
        assert!(!consenting.contains(GrantId::NIL, NOW + HEARD_FOR));
        consenting.is_over(GrantId::NIL);
        assert!(!consenting.contains(GrantId::NIL, NOW));
    }
}
