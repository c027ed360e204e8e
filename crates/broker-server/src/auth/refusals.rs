//! The callers that were turned away: counted all, logged as far as the log can take it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use rustls::{CertificateError, OtherError};

use super::refusal::Refusal;

/// One line in so much time for each reason at level warn, the others at debug: anybody can make us refuse.
const LINE_EVERY: Duration = Duration::from_secs(5);

const HANDSHAKE: &str = "handshake";

pub(super) struct Refusals {
    clock: Arc<dyn Clock>,
    tallies: Mutex<BTreeMap<&'static str, Tally>>,
}

/// The refusals for one reason.
#[derive(Default)]
struct Tally {
    count: u64,
    last_line: Option<Timestamp>,
    since_last_line: u64,
}

impl Refusals {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tallies: Mutex::default() }
    }

    /// A request that is answered with UNAUTHENTICATED.
    pub(super) fn note(&self, refusal: &Refusal, address: Option<SocketAddr>) {
        self.count(refusal.as_str(), refusal, address);
    }

    /// A connection that did not come about.
    pub(super) fn note_handshake(&self, error: &io::Error, address: Option<SocketAddr>) {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match inner {
            // rustls shows what is ours in a form for programmers.
            Some(rustls::Error::InvalidCertificate(CertificateError::Other(OtherError(ours)))) => {
                self.count(HANDSHAKE, ours, address);
            }
            _ => self.count(HANDSHAKE, error, address),
        }
    }

    /// How many there were for each reason.
    pub(super) fn counts(&self) -> BTreeMap<&'static str, u64> {
        let tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        tallies.iter().map(|(reason, tally)| (*reason, tally.count)).collect()
    }

    fn count(&self, reason: &'static str, error: &dyn std::fmt::Display, address: Option<SocketAddr>) {
        let peer = address.map(|address| address.to_string()).unwrap_or_default();
        match self.line(reason) {
            Some(others) => tracing::warn!(reason, %error, peer, others, "a caller was turned away"),
            None => tracing::debug!(reason, %error, peer, "a caller was turned away"),
        }
    }

    /// How many were turned away for this reason without a line since the last one, if it is time for another.
    fn line(&self, reason: &'static str) -> Option<u64> {
        let now = self.clock.now();
        let mut tallies = self.tallies.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = tallies.entry(reason).or_default();
        tally.count += 1;
        if tally.last_line.is_some_and(|last| now >= last && now.since(last) < LINE_EVERY) {
            tally.since_last_line += 1;
            return None;
        }
        tally.last_line = Some(now);
        Some(std::mem::take(&mut tally.since_last_line))
    }
}

#[cfg(test)]
mod tests {
    use broker_core::testing::ManualClock;

    use super::*;

    #[test]
    fn all_are_counted_and_a_line_is_written_now_and_then() {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(0)));
        let refusals = Refusals::new(clock.clone());
        let line = || refusals.line("no_token");
        assert_eq!([line(), line(), line()], [Some(0), None, None]);
        assert_eq!(refusals.line("expired"), Some(0), "each reason has its line");
        clock.advance(LINE_EVERY);
        assert_eq!([line(), line()], [Some(2), None]);
        assert_eq!(refusals.counts().into_iter().collect::<Vec<_>>(), [("expired", 1), ("no_token", 5)]);
    }
}
