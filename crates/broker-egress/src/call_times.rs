//! How long calls took.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use broker_core::measure::{Distribution, Histograms};
use url::Url;

use crate::Cause;

/// In seconds; the bounds that OpenTelemetry advises for HTTP, and three above: an answer is read for up to 30 s.
const BOUNDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0];

/// The most hosts told apart. Providers, issuers and key services are few; some name a host for each account's region.
const MOST_HOSTS: usize = 64;

/// Every host beyond those.
const OTHER: &str = "_OTHER";

/// Times of calls, by whom was called and what came of it.
#[derive(Debug)]
pub struct CallTimes {
    hosts: Mutex<BTreeSet<String>>,
    times: Histograms<CallKind>,
}

/// Calls that are counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CallKind {
    /// The host in the URL; `webhook` for every receiver of webhooks, as tenants choose those.
    pub host: String,
    /// The HTTP method.
    pub method: &'static str,
    /// The HTTP status, if there was an answer.
    pub status: Option<u16>,
    /// Why there was none; empty if there was.
    pub error: &'static str,
}

/// A call under way.
pub(crate) struct Call<'a> {
    times: &'a CallTimes,
    host: String,
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
        self.begin_with(url.host_str().unwrap_or(OTHER), method)
    }

    /// The same, of that host.
    pub(crate) fn begin_with(&self, host: &str, method: &'static str) -> Call<'_> {
        let host = self.known(host).to_owned();
        Call { times: self, host, method, began: Instant::now() }
    }

    fn known<'a>(&self, host: &'a str) -> &'a str {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        let room = hosts.len() < MOST_HOSTS;
        match hosts.contains(host) || (room && hosts.insert(host.to_owned())) {
            true => host,
            false => OTHER,
        }
    }
}

impl Call<'_> {
    /// It ended with this status, or without an answer.
    pub(crate) fn ended(self, outcome: Result<u16, &Cause>) {
        let (status, error) = match outcome {
            Ok(status) => (Some(status), ""),
            Err(cause) => (None, cause.kind()),
        };
        let kind = CallKind { host: self.host, method: self.method, status, error };
        self.times.times.observe(&kind, self.began.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_beyond_the_limit_are_one() {
        let times = CallTimes::default();
        for number in 0..=MOST_HOSTS {
            times.begin_with(&format!("host-{number}"), "GET").ended(Ok(200));
        }
        times.begin_with("host-0", "GET").ended(Err(&Cause::Timeout));
        let read = times.read();
        assert_eq!(read.len(), MOST_HOSTS + 2);
        let other: Vec<_> = read.iter().filter(|(kind, _)| kind.host == OTHER).collect();
        assert_eq!((other.len(), other[0].1.count()), (1, 1));
        let late = CallKind { host: "host-0".into(), method: "GET", status: None, error: "timeout" };
        assert!(read.iter().any(|(kind, _)| *kind == late));
    }
}
