//! What became of the tokens asked for, and how long those given still live.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker_core::measure::{Distribution, Histogram};
use broker_core::{ProviderName, Timestamp, Vended, VendedMachineCredential};
use broker_proto::reason;
use broker_proto::v1::Reason;

/// In seconds: from what is of no use any more to a week.
const BOUNDS: &[f64] =
    &[0.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 43_200.0, 86_400.0, 604_800.0];

/// What providers are counted as that are not configured: their names are a caller's to choose.
const OTHER: &str = "_OTHER";

/// What a token is counted as that was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Given {
    /// Held, and fresh enough.
    Fresh,
    /// Waited for.
    Refreshed,
    /// Not as fresh as it should be.
    Stale,
    /// Of a machine credential.
    Minted,
    /// An API key.
    ApiKey,
}

impl Given {
    const NAMES: [&'static str; 5] = ["fresh", "refreshed", "stale", "minted", "api_key"];
}

/// More than the contract has reasons.
const REASONS: usize = 64;

/// Counts for each configured provider. Counting is some additions, without a lock.
#[derive(Debug)]
pub(crate) struct Vends {
    providers: BTreeMap<String, Provider>,
    other: Provider,
}

#[derive(Debug)]
struct Provider {
    given: [AtomicU64; Given::NAMES.len()],
    /// By the numbers of the reasons.
    refused: [AtomicU64; REASONS],
    remaining: Histogram,
}

impl Provider {
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            given: std::array::from_fn(|_| zero()),
            refused: std::array::from_fn(|_| zero()),
            remaining: Histogram::new(BOUNDS),
        }
    }

    fn give(&self, given: Given, remaining: Option<Duration>) {
        self.given[given as usize].fetch_add(1, Ordering::Relaxed);
        if let Some(remaining) = remaining {
            self.remaining.observe(remaining);
        }
    }

    fn outcomes(&self) -> impl Iterator<Item = (String, u64)> {
        let given = self.given.iter().zip(Given::NAMES).map(|(count, name)| (count, name.to_owned()));
        let refused = self.refused.iter().zip(0..).map(|(count, number)| {
            (count, Reason::try_from(number).map_or("unknown", reason::name).to_lowercase())
        });
        let counts = given.chain(refused);
        counts.map(|(count, name)| (name, count.load(Ordering::Relaxed))).filter(|(_, count)| *count > 0)
    }
}

impl Vends {
    /// Counts for these providers.
    pub(crate) fn of<'a>(providers: impl Iterator<Item = &'a str>) -> Self {
        Self {
            providers: providers.map(|name| (name.to_owned(), Provider::new())).collect(),
            other: Provider::new(),
        }
    }

    /// A token was given.
    pub(in crate::grpc) fn vended(&self, vended: &Vended, now: Timestamp) {
        let grant = &vended.grant.grant;
        let given = match vended.stale {
            Some(_) => Given::Stale,
            None if vended.refreshed => Given::Refreshed,
            None => Given::Fresh,
        };
        self.at(&grant.key.provider).give(given, Some(grant.expires_at.since(now)));
    }

    /// A machine credential gave something.
    pub(in crate::grpc) fn machine_credential_vended(
        &self,
        vended: &VendedMachineCredential,
        now: Timestamp,
    ) {
        let provider = self.at(&vended.key().provider);
        match vended {
            VendedMachineCredential::ApiKey(_) => provider.give(Given::ApiKey, None),
            VendedMachineCredential::Token(minted) => {
                let given = if minted.stale.is_some() { Given::Stale } else { Given::Minted };
                provider.give(given, Some(minted.token.expires_at.since(now)));
            }
        }
    }

    /// Nothing was given to who asked for a token of that provider.
    pub(in crate::grpc) fn refused(&self, provider: &str, reason: Reason) {
        let number = usize::try_from(i32::from(reason)).unwrap_or_default();
        self.named(provider).refused[number % REASONS].fetch_add(1, Ordering::Relaxed);
    }

    /// Provider, outcome, and how often.
    pub(crate) fn outcomes(&self) -> impl Iterator<Item = (&str, String, u64)> {
        self.all().flat_map(|(name, provider)| {
            provider.outcomes().map(move |(outcome, count)| (name, outcome, count))
        })
    }

    /// The lives that were left of tokens given.
    pub(crate) fn remaining(&self) -> impl Iterator<Item = (&str, Distribution)> {
        self.providers.iter().map(|(name, provider)| (name.as_str(), provider.remaining.read()))
    }

    fn all(&self) -> impl Iterator<Item = (&str, &Provider)> {
        let known = self.providers.iter().map(|(name, provider)| (name.as_str(), provider));
        known.chain([(OTHER, &self.other)])
    }

    fn at(&self, provider: &ProviderName) -> &Provider {
        self.named(provider.as_str())
    }

    fn named(&self, provider: &str) -> &Provider {
        self.providers.get(provider).unwrap_or(&self.other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_told_by_provider_and_unknown_ones_are_one() {
        let vends = Vends::of(["a", "b"].into_iter());
        vends.named("b").give(Given::ApiKey, None);
        vends.named("b").give(Given::Stale, Some(Duration::from_secs(45)));
        for provider in ["a", "a", "x", "y"] {
            vends.refused(provider, Reason::ConsentRequired);
        }
        let told: Vec<_> = vends.outcomes().collect();
        let expected = [
            ("a", "consent_required", 2),
            ("b", "stale", 1),
            ("b", "api_key", 1),
            ("_OTHER", "consent_required", 2),
        ];
        assert_eq!(told, expected.map(|(provider, outcome, count)| (provider, outcome.to_owned(), count)));
        let remaining: Vec<_> = vends.remaining().map(|(name, lives)| (name, lives.counts[2])).collect();
        assert_eq!(remaining, [("a", 0), ("b", 1)]);
    }

    #[test]
    fn every_reason_has_a_place_of_its_own() {
        for number in 0..i32::try_from(REASONS).unwrap() * 2 {
            if let Ok(reason) = Reason::try_from(number) {
                assert!(usize::try_from(i32::from(reason)).unwrap() < REASONS, "{reason:?}");
            }
        }
    }
}
