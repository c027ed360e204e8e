//! Whether this replica may claim, and why not: what the last heartbeat brought, judged.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::ports::{Epoch, Joined, Pulse};
use crate::{InstallationId, ProviderName, Timestamp};

/// Why this replica does not claim. The text is for operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// It has not joined the fleet yet.
    #[error("this replica has not joined the fleet yet")]
    NotJoined,
    /// Its clock is too far from the store's (rule 15).
    #[error("this machine's clock is too far from the store's: synchronise the clocks")]
    ClockSkew,
    /// The store may have lost commits, and a journal that may hold them was not replayed yet (rule 16).
    #[error("the store may have lost commits; refresh goes on once every replica has replayed its journal")]
    Replaying,
    /// The store is not the one the configuration names (rule 16).
    #[error(
        "the store has another installation id than the configuration: if this store is the only copy, run \
         `token-broker store adopt` and configure the id it prints"
    )]
    ForeignStore,
    /// The store's recent rotations were made by replicas whose journals are not here, and none of them was heard yet
    /// since this one joined (rule 16).
    #[error(
        "the store holds recent rotations and has never seen this replica's journal; refresh begins once another \
         replica that knows the store is heard, seconds after the start if one is running"
    )]
    Unvouched,
    /// The store's recent rotations were made by replicas whose journals are not here (rule 16).
    #[error(
        "the store holds recent rotations of replicas whose journals are not here, as a restored or cloned \
         store does: if this store is the only copy, run `token-broker store adopt`"
    )]
    NoJournal,
}

/// What is known of the fleet.
#[derive(Debug)]
pub(crate) struct FleetStanding {
    /// The installation the configuration names.
    expected: Option<InstallationId>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    joined: bool,
    epoch: Epoch,
    installation: Option<InstallationId>,
    guard: Option<Barred>,
    /// The number of the heartbeat it joined with: who has a higher one was heard since.
    joined_beat: u64,
    /// Until when an unvouched replica listens.
    listens_until: Timestamp,
    skewed: bool,
    replaying: bool,
    must_replay: bool,
    /// The store may lack what stands in this very journal, which was not replayed since.
    owes_replay: bool,
    store_away: bool,
    alive: u32,
    breakers: HashSet<ProviderName>,
}

impl FleetStanding {
    pub(crate) fn new(expected: Option<InstallationId>) -> Self {
        let state = State {
            joined: false,
            epoch: Epoch(0),
            installation: None,
            guard: None,
            joined_beat: 0,
            listens_until: Timestamp::from_unix_seconds(0),
            skewed: false,
            replaying: false,
            must_replay: false,
            owes_replay: false,
            store_away: false,
            alive: 1,
            breakers: HashSet::new(),
        };
        Self { expected, state: Mutex::new(state) }
    }

    /// Why no claim may be made now; `None` if one may.
    pub(crate) fn barred(&self) -> Option<Barred> {
        let state = self.state();
        match &*state {
            State { joined: false, .. } => Some(Barred::NotJoined),
            State { guard: Some(guard), .. } => Some(*guard),
            State { skewed: true, .. } => Some(Barred::ClockSkew),
            State { replaying: true, .. } => Some(Barred::Replaying),
            _ => None,
        }
    }

    /// The store's epoch, for claims.
    pub(crate) fn epoch(&self) -> Epoch {
        self.state().epoch
    }

    /// Replicas alive at the last heartbeat.
    pub(crate) fn alive(&self) -> u32 {
        self.state().alive
    }

    /// Whether the store did not answer last time.
    pub(crate) fn store_is_away(&self) -> bool {
        self.state().store_away
    }

    /// Notes whether the store answered.
    pub(crate) fn store_answered(&self, answered: bool) {
        self.state().store_away = !answered;
    }

    /// Whether the provider's breaker is open.
    pub(crate) fn breaker_is_open(&self, provider: &ProviderName) -> bool {
        self.state().breakers.contains(provider)
    }

    pub(crate) fn open_breakers(&self) -> Vec<ProviderName> {
        self.state().breakers.iter().cloned().collect()
    }

    pub(crate) fn set_breakers(&self, open: HashSet<ProviderName>) {
        self.state().breakers = open;
    }

    /// Whether it has joined before.
    pub(crate) fn has_joined(&self) -> bool {
        self.state().joined
    }

    /// Takes in what joining found. The restore guard is decided here (rule 16): an unvouched replica listens for others
    /// until then. Who joins again was forgotten, and claims nothing until it has replayed its journal: the store may not
    /// know that it has one.
    pub(crate) fn join(&self, joined: &Joined, listens_until: Timestamp) {
        let foreign = self.expected.is_some_and(|expected| expected != joined.installation);
        let mut state = self.state();
        if state.joined {
            state.lost_commits();
        }
        state.joined = true;
        state.must_replay |= foreign;
        state.epoch = joined.epoch;
        state.installation = Some(joined.installation);
        state.joined_beat = joined.beat;
        state.listens_until = listens_until;
        state.guard = match (foreign, joined.is_unvouched()) {
            (true, _) => Some(Barred::ForeignStore),
            (false, true) => Some(Barred::Unvouched),
            (false, false) => None,
        };
    }

    /// Nobody can be heard while the store is away: the time to listen begins anew.
    pub(crate) fn heard_nothing(&self, listens_until: Timestamp) {
        self.state().listens_until = listens_until;
    }

    /// Whether an unvouched replica has heard, by this heartbeat, one that may vouch for it.
    pub(crate) fn hears(&self, pulse: &Pulse) -> bool {
        self.state().hears(pulse)
    }

    /// The store has noted that somebody vouches for this replica.
    pub(crate) fn vouched(&self) {
        self.state().guard.take_if(|guard| *guard == Barred::Unvouched);
    }

    /// Whether the journal must be replayed; answered once for each reason, and not while the store is another's.
    pub(crate) fn takes_replay(&self) -> bool {
        let mut state = self.state();
        state.guard != Some(Barred::ForeignStore) && std::mem::take(&mut state.must_replay)
    }

    /// The journal must be replayed, again.
    pub(crate) fn asks_for_replay(&self) {
        self.state().must_replay = true;
    }

    /// Takes in a heartbeat. In another epoch the journal must be replayed.
    pub(crate) fn beat(&self, pulse: &Pulse, now: Timestamp, max_skew: Duration) {
        let mut state = self.state();
        let skew = pulse.store_time.since(now).max(now.since(pulse.store_time));
        state.skewed = skew > max_skew;
        state.alive = pulse.alive.max(1);
        if state.installation.is_some_and(|installation| installation != pulse.installation) {
            // `store adopt` was run: somebody has declared this store the only copy.
            let foreign = self.expected.is_some_and(|expected| expected != pulse.installation);
            state.guard = foreign.then_some(Barred::ForeignStore);
            state.installation = Some(pulse.installation);
        }
        if state.guard == Some(Barred::Unvouched) && !state.hears(pulse) && now >= state.listens_until {
            state.guard = Some(Barred::NoJournal);
        }
        state.replaying = state.owes_replay || pulse.replays_pending > 0;
        if state.epoch != pulse.epoch || pulse.unknown {
            state.lost_commits();
        }
        state.epoch = pulse.epoch;
    }

    /// This journal was replayed, begun in that epoch. The next heartbeat tells whether claims may be made.
    pub(crate) fn replayed(&self, epoch: Epoch) {
        let mut state = self.state();
        state.owes_replay &= state.epoch != epoch;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn hears(&self, pulse: &Pulse) -> bool {
        self.guard == Some(Barred::Unvouched) && pulse.others_beat > self.joined_beat
    }

    /// What was acknowledged may be gone.
    fn lost_commits(&mut self) {
        self.replaying = true;
        self.must_replay = true;
        self.owes_replay = true;
    }
}

#[cfg(test)]
#[path = "standing_tests.rs"]
mod tests;
