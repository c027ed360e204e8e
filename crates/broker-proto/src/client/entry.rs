//! What is known of one key.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::future::{BoxFuture, WeakShared};

use super::asking::ask_at;
use super::backoff::wait;
use super::error::TokenError;
use super::options::Options;
use super::token::Token;
use crate::error::BrokerError;
use crate::v1::GrantStateUpdate;

/// What all who ask for a key wait for.
pub(super) type Flight = BoxFuture<'static, Result<Arc<Token>, TokenError>>;

/// What is known of one key. It decides, and calls nobody.
pub(super) struct Entry {
    pub(super) token: Option<Arc<Token>>,
    pub(super) state: Option<GrantStateUpdate>,
    /// The call under way, as long as somebody waits for it.
    pub(super) flight: Option<WeakShared<Flight>>,
    pub(super) used_at: SystemTime,
    /// The broker has a grant of this key.
    pub(super) is_watchable: bool,
    /// A newer token cannot be expected before; `None` is never.
    ask_at: Option<SystemTime>,
    failures: u32,
    /// When the last call failed, and how. It holds until `ask_at`.
    failed: Option<(SystemTime, TokenError)>,
    /// This generation and all before it must not be used.
    dead: u64,
    /// Whether generations are those of a grant; those of a machine credential otherwise.
    counts_grants: Option<bool>,
}

impl Entry {
    pub(super) fn new(now: SystemTime) -> Self {
        Self {
            token: None,
            state: None,
            flight: None,
            used_at: now,
            is_watchable: false,
            ask_at: Some(now),
            failures: 0,
            failed: None,
            dead: 0,
            counts_grants: None,
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

    /// What is answered without asking: a token that is good enough, or why there was none a moment ago.
    pub(super) fn answer(
        &self,
        now: SystemTime,
        options: &Options,
    ) -> Option<Result<Arc<Token>, TokenError>> {
        let is_early = self.ask_at.is_none_or(|at| now < at);
        match self.living(now) {
            Some(token) => (is_early || token.left(now) >= Some(options.min_validity)).then_some(Ok(token)),
            None => self.failed(now).filter(|_| is_early).map(Err),
        }
    }

    /// How the last call failed. A clock that was set back since then says nothing of when to ask again.
    fn failed(&self, now: SystemTime) -> Option<TokenError> {
        self.failed.as_ref().filter(|(at, _)| *at <= now).map(|(_, error)| error.clone())
    }

    /// The token as long as it lives.
    pub(super) fn living(&self, now: SystemTime) -> Option<Arc<Token>> {
        self.token.clone().filter(|token| token.left(now).is_some())
    }

    /// When a newer token is asked for in the background: a watched one has some time to come by itself. `None` is never.
    pub(super) fn due_at(&self, is_watched: bool, options: &Options) -> Option<SystemTime> {
        let grace = if is_watched { options.overdue_after } else { Duration::ZERO };
        self.token.as_ref().and(self.ask_at)?.checked_add(grace)
    }

    /// Keeps what the broker told, unless it knows better already. Answers the token to use.
    pub(super) fn adopt(&mut self, told: Arc<Token>, now: SystemTime, options: &Options) -> Arc<Token> {
        (self.failures, self.failed) = (0, None);
        self.begin_anew_with(&told);
        self.is_watchable = told.is_of_a_grant();
        self.ask_at = ask_at(&told, now, options);
        if let Some(held) = self.living(now).filter(|held| held.generation() > told.generation()) {
            return held;
        }
        if told.generation() > self.dead {
            self.token = Some(told.clone());
        }
        told
    }

    /// Generations of a grant and of a machine credential count apart: the one that took the other's place may begin low.
    fn begin_anew_with(&mut self, told: &Token) {
        let counted = self.counts_grants.replace(told.is_of_a_grant());
        if counted.is_some_and(|grants| grants != told.is_of_a_grant()) {
            (self.token, self.dead) = (None, 0);
        }
    }

    /// The broker may tell the very token again that it told not to use: a rotation was lost, and it is the best there is.
    pub(super) fn revive(&mut self, generation: u64) {
        self.dead = self.dead.min(generation.saturating_sub(1));
    }

    /// Drops a token that must no longer be used.
    pub(super) fn invalidate(&mut self, generation: u64) {
        self.dead = self.dead.max(generation);
        // Who tells that can be asked.
        self.failed = None;
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
            self.refuse();
            return Err(error);
        }
        self.failures = self.failures.saturating_add(1);
        let asked = error.broker().and_then(BrokerError::retry_delay);
        self.ask_at = now.checked_add(wait(self.failures, asked, options));
        self.failed = Some((now, error.clone()));
        self.living(now).ok_or(error)
    }

    /// Drops what is held: the broker decided that there is no token. That is asked anew each time.
    pub(super) fn refuse(&mut self) {
        (self.token, self.failed, self.is_watchable) = (None, None, false);
    }
}

#[cfg(test)]
mod tests {
    use tonic::Status;

    use super::*;
    use crate::v1::{GetAccessTokenResponse, GrantKey};

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    #[test]
    fn a_failure_is_answered_until_it_is_time_to_ask() {
        let (mut entry, options) = (Entry::new(NOW), Options::default());
        assert!(entry.answer(NOW, &options).is_none(), "nobody asked yet");
        assert!(entry.fail(Status::unavailable("down").into(), NOW, &options).is_err());
        assert!(entry.answer(NOW, &options).is_some_and(|answer| answer.is_err()));
        assert!(entry.answer(NOW + options.first_retry, &options).is_none());
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_failure_last() {
        let (mut entry, options) = (Entry::new(NOW), Options::default());
        let ahead = NOW + Duration::from_secs(3600);
        assert!(entry.fail(Status::unavailable("down").into(), ahead, &options).is_err());
        assert!(entry.answer(NOW, &options).is_none());
    }

    #[test]
    fn what_is_invalidated_can_be_asked_for() {
        let (mut entry, options) = (Entry::new(NOW), Options::default());
        assert!(entry.fail(Status::unavailable("down").into(), NOW, &options).is_err());
        entry.invalidate(1);
        assert!(entry.answer(NOW, &options).is_none());
    }

    fn token(grant: &str, generation: u64) -> Arc<Token> {
        let answer = GetAccessTokenResponse { grant_id: grant.to_owned(), generation, ..Default::default() };
        Arc::new(Token::read(&GrantKey::default(), answer).unwrap())
    }

    #[test]
    fn a_grant_takes_the_place_of_a_machine_credential_whatever_its_generation() {
        let (mut entry, options) = (Entry::new(NOW), Options::default());
        entry.adopt(token("", 1_800_000_000_000_000), NOW, &options);
        assert_eq!(entry.adopt(token("grant", 1), NOW, &options).generation(), 1);
        assert_eq!(entry.known_generation(), Some(1));
        entry.adopt(token("", 7), NOW, &options);
        entry.invalidate(7);
        entry.adopt(token("grant", 2), NOW, &options);
        assert_eq!(entry.known_generation(), Some(2), "what is dead of one says nothing of the other");
        entry.invalidate(3);
        entry.adopt(token("grant", 3), NOW, &options);
        assert_eq!(entry.known_generation(), None);
    }
}
