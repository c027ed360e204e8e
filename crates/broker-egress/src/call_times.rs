//! How long calls took.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use broker_core::measure::{Distribution, Histograms};
use http::StatusCode;
use url::Url;

use crate::Cause;

/// In seconds; the bounds that OpenTelemetry advises for HTTP, and three above: an answer is read for up to 30 s.
const BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0];

/// The most hosts told apart, each port of one counted. Providers, issuers and key services are few; some name a host for
/// each account's region.
const MOST_HOSTS: usize = 64;

/// Every host beyond those.
const OTHER: &str = "_OTHER";

/// Times of calls, by whom was called and what came of it.
#[derive(Debug)]
pub struct CallTimes {
    hosts: Mutex<BTreeSet<(String, Option<u16>)>>,
    times: Histograms<CallKind>,
}

/// Calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKind {
    /// The host in the URL; `webhook` for every receiver of webhooks, as tenants choose those.
    pub host: String,
    /// The port in the URL, or that of its scheme; none where hosts are counted together.
    pub port: Option<u16>,
    /// The HTTP method.
    pub method: &'static str,
    /// What came of it.
    pub end: CallEnd,
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum CallEnd {
    /// An answer with a status that is known.
    Status(u16),
    /// An answer with any other status, which whoever answers makes up: 400 and above, or below.
    OtherStatus {
        /// Whether it is 400 or above.
        is_error: bool,
    },
    /// No answer, and why, in one word.
    NoAnswer(&'static str),
}

/// A call under way.
pub(crate) struct Call<'a> {
    times: &'a CallTimes,
    host: String,
    port: Option<u16>,
    method: &'static str,
    began: Instant,
}

impl Default for CallTimes {
    fn default() -> Self {
        Self { hosts: Mutex::default(), times: Histograms::new(BOUNDS) }
    }
}

impl CallTimes {
    /// The times so far.
    pub fn read(&self) -> Vec<(CallKind, Distribution)> {
        self.times.read()
    }

    /// A call of that URL begins.
    pub(crate) fn begin(&self, url: &Url, method: &'static str) -> Call<'_> {
        self.begin_with(url.host_str().unwrap_or(OTHER), url.port_or_known_default(), method)
    }

    /// The same, of that host and port.
    pub(crate) fn begin_with(&self, host: &str, port: Option<u16>, method: &'static str) -> Call<'_> {
        let (host, port) = self.known(host, port);
        Call { times: self, host, port, method, began: Instant::now() }
    }

    fn known(&self, host: &str, port: Option<u16>) -> (String, Option<u16>) {
        let asked = (host.to_owned(), port);
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let room = hosts.len() < MOST_HOSTS;
        match hosts.contains(&asked) || (room && hosts.insert(asked.clone())) {
            true => asked,
            false => (OTHER.to_owned(), None),
        }
    }
}

impl Call<'_> {
    /// It ended with this status, or without an answer.
    pub(crate) fn ended(self, outcome: Result<u16, &Cause>) {
        let end = outcome.map_or_else(|cause| CallEnd::NoAnswer(cause.kind()), CallEnd::of);
        let kind = CallKind { host: self.host, port: self.port, method: self.method, end };
        self.times.times.observe(&kind, self.began.elapsed());
    }
}

impl CallEnd {
    /// Whoever is called chooses the status, and a tenant chooses who is called: those that have a name are told apart.
    fn of(status: u16) -> Self {
        let known = StatusCode::from_u16(status).is_ok_and(|status| status.canonical_reason().is_some());
        match known {
            true => Self::Status(status),
            false => Self::OtherStatus { is_error: status >= 400 },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_beyond_the_limit_are_one() {
        let times = CallTimes::default();
        for number in 0..=MOST_HOSTS {
            times.begin_with(&format!("host-{number}"), Some(443), "GET").ended(Ok(200));
        }
        times.begin_with("host-0", Some(443), "GET").ended(Err(&Cause::Timeout));
        // Another port is another host.
        times.begin_with("host-0", Some(8443), "GET").ended(Ok(200));
        let read = times.read();
        assert_eq!(read.len(), MOST_HOSTS + 2);
        let other: Vec<_> = read.iter().filter(|(kind, _)| kind.host == OTHER).collect();
        assert_eq!((other.len(), other[0].1.count(), other[0].0.port), (1, 2, None));
        let end = CallEnd::NoAnswer("timeout");
        let late = CallKind { host: "host-0".into(), port: Some(443), method: "GET", end };
        assert!(read.iter().any(|(kind, _)| *kind == late));
    }

    #[test]
    fn statuses_that_a_receiver_makes_up_are_two() {
        let times = CallTimes::default();
        for status in 100..1000 {
            times.begin_with("webhook", None, "POST").ended(Ok(status));
        }
        let count = |wanted| {
            let found = times.read().into_iter().find(|(kind, _)| kind.end == wanted);
            found.map_or(0, |(_, times)| times.count())
        };
        assert!(times.read().len() < 70, "{}", times.read().len());
        assert_eq!([200, 308, 429, 503].map(|status| count(CallEnd::Status(status))), [1; 4]);
        assert_eq!([299, 499, 999].map(|status| count(CallEnd::Status(status))), [0; 3]);
        let other = [false, true].map(|is_error| count(CallEnd::OtherStatus { is_error }));
        assert!(other.iter().all(|count| *count > 250), "{other:?}");
    }
}
