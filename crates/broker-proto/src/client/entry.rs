//! What is known of one key.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, WeakShared};

use super::backoff::wait;
use super::error::TokenError;
use super::options::Options;
use super::token::Token;
use crate::error::BrokerError;
use crate::v1::GrantStateUpdate;

/// What all who ask for a key wait for.
pub(super) type Flight = BoxFuture<'static, Result<Arc<Token>, TokenError>>;

/// When a token without a hint is asked for again.
const WITHOUT_HINT: Duration = Duration::from_secs(60);

/// What is known of one key. It decides, and calls nobody.
pub(super) struct Entry {
    pub(super) token: Option<Arc<Token>>,
    pub(super) state: Option<GrantStateUpdate>,
    /// The call under way, as long as somebody waits for it.
    pub(super) flight: Option<WeakShared<Flight>>,
    pub(super) used_at: SystemTime,
    /// The broker has a grant of this key.
    pub(super) is_watchable: bool,
    /// A newer token cannot be expected before.
    ask_at: SystemTime,
    failures: u32,
    /// This generation and all before it must not be used.
    dead: u64,
}

impl Entry {
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            token: None,
            state: None,
            flight: None,
            used_at: now,
            is_watchable: false,
            ask_at: now,
            failures: 0,
            dead: 0,
        }
    }

    /// The generation of the token held, for resuming a stream: the broker takes it for usable.
    pub(super) fn known_generation(&self) -> Option<u64> {
        self.token.as_ref().map(|held| held.generation())
    }

    /// The newest generation that must not be used; 0 without one.
    pub(super) fn dead(&self) -> u64 {
        self.dead
    }

    /// The token that is served without asking.
    pub(super) fn fresh(&self, now: SystemTime, options: &Options) -> Option<Arc<Token>> {
        let token = self.token.as_ref()?;
        let left = token.left(now)?;
        (left >= options.min_validity || now < self.ask_at).then(|| token.clone())
    }

    /// The token as long as it lives.
    pub(super) fn living(&self, now: SystemTime) -> Option<Arc<Token>> {
        self.token.clone().filter(|token| token.left(now).is_some())
    }

    /// When a newer token is asked for in the background: a watched one has some time to come by itself.
    pub(super) fn due_at(&self, is_watched: bool, options: &Options) -> Option<SystemTime> {
        let grace = if is_watched { options.overdue_after } else { Duration::ZERO };
        self.token.as_ref().map(|_| self.ask_at + grace)
    }

    /// Keeps what the broker told, unless it knows better already. Answers the token to use.
    pub(super) fn adopt(&mut self, told: Arc<Token>, now: SystemTime, options: &Options) -> Arc<Token> {
        self.failures = 0;
        self.is_watchable = told.is_of_a_grant();
        let hint = told.refresh_hint_at().unwrap_or(now + WITHOUT_HINT);
        self.ask_at = hint.max(now + options.first_retry);
        if let Some(held) = self.living(now).filter(|held| held.generation() > told.generation()) {
            return held;
        }
        if told.generation() > self.dead {
            self.token = Some(told.clone());
        }
        told
    }

    /// The broker may tell the very token again that it told not to use: a rotation was lost, and it is the best there is.
    pub(super) fn revive(&mut self, generation: u64) {
        self.dead = self.dead.min(generation.saturating_sub(1));
    }

    /// Drops a token that must no longer be used.
    pub(super) fn invalidate(&mut self, generation: u64) {
        self.dead = self.dead.max(generation);
        self.token = self.token.take().filter(|held| held.generation() > generation);
    }

    /// What becomes of a failed call: a refusal ends what is held, anything else is survived by it.
    pub(super) fn fail(
        &mut self,
        error: TokenError,
        now: SystemTime,
        options: &Options,
    ) -> Result<Arc<Token>, TokenError> {
        if error.is_refusal() {
            (self.token, self.is_watchable) = (None, false);
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        let asked = error.broker().and_then(BrokerError::retry_delay);
        self.ask_at = now + wait(self.failures, asked, options);
        self.living(now).ok_or(error)
    }
}
