//! Which refresh token of each grant is live, and what was answered when.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// A grant's number and how often it was rotated: what a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Token {
    /// The grant's number.
    pub grant: usize,
    /// How often it was rotated.
    pub rotations: u64,
}

impl Token {
    /// The refresh token.
    pub fn text(self) -> String {
        format!("r-{}-{}", self.grant, self.rotations)
    }

    fn read(text: &str) -> Option<Self> {
        let (grant, rotations) = text.strip_prefix("r-")?.split_once('-')?;
        Some(Self { grant: grant.parse().ok()?, rotations: rotations.parse().ok()? })
    }
}

/// What the authorization server knows.
pub struct Ledger {
    /// How often each grant was rotated.
    rotations: Vec<AtomicU64>,
    stale: AtomicU64,
    answered: AtomicU64,
    in_flight: AtomicUsize,
    /// When each token was answered, in microseconds since 1970.
    times: Mutex<HashMap<Token, u64>>,
}

impl Ledger {
    /// For grants of the numbers below `grants`.
    pub fn new(grants: usize) -> Self {
        Self {
            rotations: (0..grants).map(|_| AtomicU64::new(0)).collect(),
            stale: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            in_flight: AtomicUsize::new(0),
            times: Mutex::default(),
        }
    }

    /// The first token of the grant that `code` is for.
    pub fn exchange(&self, code: &str) -> Option<Token> {
        let grant: usize = code.strip_prefix("c-")?.parse().ok()?;
        self.rotations.get(grant)?.store(0, Relaxed);
        Some(Token { grant, rotations: 0 })
    }

    /// Takes a presented token and answers its successor. One that is not the live one is counted.
    pub fn rotate(&self, presented: &str) -> Option<Token> {
        let next = Token::read(presented).and_then(|token| {
            let (held, next) = (token.rotations, token.rotations + 1);
            self.rotations.get(token.grant)?.compare_exchange(held, next, Relaxed, Relaxed).ok()?;
            Some(Token { rotations: next, ..token })
        });
        if next.is_none() {
            self.stale.fetch_add(1, Relaxed);
        }
        next
    }

    /// Counts a presentation as in flight until the answer is dropped: whoever presents may hang up.
    pub fn hold(&self) -> InFlight<'_> {
        self.in_flight.fetch_add(1, Relaxed);
        InFlight(&self.in_flight)
    }

    /// The answer with this token leaves.
    pub fn answering(&self, token: Token, at_micros: u64) {
        self.answered.fetch_add(1, Relaxed);
        self.times.lock().unwrap_or_else(PoisonError::into_inner).insert(token, at_micros);
    }

    /// Presentations of a token that was not the live one.
    pub fn stale(&self) -> u64 {
        self.stale.load(Relaxed)
    }

    /// How many tokens were answered.
    pub fn answered(&self) -> u64 {
        self.answered.load(Relaxed)
    }

    /// Presentations that wait for their answers.
    pub fn in_flight(&self) -> usize {
        self.in_flight.load(Relaxed)
    }

    /// When each token since the last call was answered.
    pub fn take_times(&self) -> HashMap<Token, u64> {
        std::mem::take(&mut self.times.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// A presentation that waits for its answer.
pub struct InFlight<'a>(&'a AtomicUsize);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_taken_once_and_a_second_time_is_counted() {
        let ledger = Ledger::new(2);
        let first = ledger.exchange("c-1").unwrap();
        let second = ledger.rotate(&first.text()).unwrap();
        assert_eq!(second, Token { grant: 1, rotations: 1 });
        assert_eq!((ledger.rotate(&first.text()), ledger.stale()), (None, 1));
        assert_eq!((ledger.rotate("r-2-0"), ledger.rotate("nonsense"), ledger.stale()), (None, None, 3));
        assert!(ledger.rotate(&second.text()).is_some());
    }
}
