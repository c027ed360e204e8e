//! What a watcher is to be told of a grant, given what it was told before: one pure decision.

use std::time::Duration;

use crate::{Generation, Grant, Lifecycle, StaleReason, Timestamp};

/// So long a token is held back that a running refresh may kill; then it is told with its reason, as a vend does.
pub(super) const HELD_BACK: Duration = Duration::from_secs(10);

/// Why a token must no longer be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidationCause {
    /// The grant was revoked.
    Revoked,
    /// The provider gives nothing for the grant any more, and takes this token for dead.
    Rejected,
    /// It expired, and there is no newer one.
    Expired,
    /// A refresh is running and the provider kills this token with it.
    Rotating,
}

/// One thing to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tell {
    Token,
    Invalidation(Generation, InvalidationCause),
    State,
}

/// How a grant stands now.
pub(super) struct Now<'a> {
    pub(super) grant: &'a Grant,
    /// Whether there is a token to give, and why it is not as fresh as it should be.
    pub(super) token: Option<Option<StaleReason>>,
    pub(super) at: Timestamp,
}

/// What a watcher was told of a grant.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// The newest generation it holds.
    newest: Option<Generation>,
    /// Whether it takes that for usable.
    usable: bool,
    lifecycle: Option<Lifecycle>,
    /// Since when a refresh may have killed the token.
    uncertain_since: Option<Timestamp>,
}

impl Told {
    /// A watcher who comes with this generation.
    pub(super) fn knowing(generation: Option<Generation>) -> Self {
        Self { newest: generation, usable: generation.is_some(), ..Self::default() }
    }

    /// Whether a token is held back.
    pub(super) fn holds_back(&self, at: Timestamp) -> bool {
        self.uncertain_since.is_some_and(|since| at.since(since) < HELD_BACK)
    }

    /// What to tell, in this order; the watcher is taken to know it from then on.
    pub(super) fn tell(&mut self, now: &Now<'_>) -> Vec<Tell> {
        if self.newest > Some(now.grant.generation) {
            if self.lifecycle.is_some() {
                // An older look than the one before.
                return Vec::new();
            }
            // It comes with what this store never had, or has lost.
            *self = Self::default();
        }
        let mut tells: Vec<Tell> = self.of_token(now).into_iter().collect();
        let implied = tells.contains(&Tell::Token) && now.grant.lifecycle == Lifecycle::Active;
        if self.lifecycle.replace(now.grant.lifecycle) != Some(now.grant.lifecycle) && !implied {
            tells.push(Tell::State);
        }
        tells
    }

    fn of_token(&mut self, now: &Now<'_>) -> Option<Tell> {
        let generation = now.grant.generation;
        let uncertain = now.token == Some(Some(StaleReason::RotationUncertain));
        self.uncertain_since = if uncertain { self.uncertain_since.or(Some(now.at)) } else { None };
        if self.holds_back(now.at) {
            return self.invalidate(generation, InvalidationCause::Rotating);
        }
        if now.token.is_none() {
            return self.invalidate(generation, end_of(now));
        }
        let known = self.usable && self.newest == Some(generation);
        (self.newest, self.usable) = (Some(generation), true);
        (!known).then_some(Tell::Token)
    }

    fn invalidate(&mut self, generation: Generation, cause: InvalidationCause) -> Option<Tell> {
        std::mem::take(&mut self.usable).then_some(Tell::Invalidation(generation, cause))
    }
}

fn end_of(now: &Now<'_>) -> InvalidationCause {
    match now.grant.lifecycle {
        lifecycle if lifecycle.is_revoked() => InvalidationCause::Revoked,
        _ if now.grant.expires_at <= now.at => InvalidationCause::Expired,
        _ => InvalidationCause::Rejected,
    }
}

#[cfg(test)]
#[path = "told_tests.rs"]
mod tests;
