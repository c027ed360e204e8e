//! How the credentials are, for probes and metrics.

use std::collections::BTreeMap;

use broker_core::Timestamp;

/// How the credentials are at one time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Report {
    /// What callers and the broker itself are known by.
    pub(crate) credentials: Vec<Credential>,
    /// When the server's certificate ends.
    pub(crate) certificate_ends: Option<Timestamp>,
    /// How many callers were turned away, by reason.
    pub(crate) turned_away: BTreeMap<&'static str, u64>,
}

/// A certificate, a bundle, or the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) name: String,
    /// Whether it is what its source says. Otherwise the source cannot be used, and what was read before is.
    pub(crate) fresh: bool,
}

impl Report {
    /// One line for each credential, for people.
    pub(crate) fn lines(&self) -> String {
        let state = |fresh| if fresh { "ok" } else { "cannot be read anew; what was read before is used" };
        self.credentials.iter().map(|one| format!("{}: {}\n", one.name, state(one.fresh))).collect()
    }
}
