//! A breaker as operators see it.

use crate::Timestamp;

/// A breaker: of the connection to a provider, or of the fleet of grants there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BreakerStanding {
    /// Its state.
    pub state: BreakerState,
    /// When it opened; `None` when closed.
    pub opened_at: Option<Timestamp>,
    /// When it is tried again, or closes by itself; `None` when closed, or when that time has come.
    pub retry_at: Option<Timestamp>,
    /// Why it opened, for people.
    pub note: String,
}

/// State of a breaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// Calls are held back.
    Open,
    /// One call goes through, to see.
    HalfOpen,
}

impl BreakerStanding {
    pub(crate) fn closed() -> Self {
        Self { state: BreakerState::Closed, opened_at: None, retry_at: None, note: String::new() }
    }

    pub(super) fn of(state: BreakerState, since: Timestamp, until: Timestamp, note: &str) -> Self {
        Self { state, opened_at: Some(since), retry_at: Some(until), note: note.to_owned() }
    }
}
