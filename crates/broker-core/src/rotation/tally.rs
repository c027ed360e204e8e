//! How attempts ended, counted since the start of this process: for metrics.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use crate::ProviderName;

/// Ends of attempts at one provider with one conclusion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptCount {
    /// The provider.
    pub provider: ProviderName,
    /// What they ended as: `adopted`, `superseded`, or the name of a failure. `window_overrun` counts once more the
    /// adoption that first showed that a grant outlives its window.
    pub conclusion: &'static str,
    /// How many.
    pub count: u64,
}

impl AttemptCount {
    /// Every conclusion that is counted: alerts and dashboards wait for some of them by name.
    pub const CONCLUSIONS: [&str; 26] = [
        "adopted",
        "superseded",
        "revoked",
        "account_changed",
        "duplicate_token",
        "window_overrun",
        "unsent",
        "interrupted",
        "reading_late",
        "journal_not_seen",
        "dead_token",
        "dead_token_confirmed",
        "lost_rotation",
        "window_over",
        "client_rejected",
        "unlabelled_refusal",
        "throttled",
        "unreachable",
        "refused",
        "uncertain",
        "unreadable",
        "internal",
        "revocation_done",
        "revocation_not_supported",
        "revocation_refused",
        "revocation_let_go",
    ];
}

/// The counts. Few providers and a closed set of conclusions: it stays small.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<BTreeMap<(ProviderName, &'static str), u64>>);

impl Tally {
    pub(crate) fn count(&self, provider: &ProviderName, conclusion: &'static str) {
        debug_assert!(AttemptCount::CONCLUSIONS.contains(&conclusion), "{conclusion} is not listed");
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *counts.entry((provider.clone(), conclusion)).or_default() += 1;
    }

    pub(crate) fn read(&self) -> Vec<AttemptCount> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let told = counts.iter().map(|((provider, conclusion), count)| AttemptCount {
            provider: provider.clone(),
            conclusion,
            count: *count,
        });
        told.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_counted_by_provider_and_conclusion() {
        let (tally, provider) = (Tally::default(), |name: &str| ProviderName::new(name).unwrap());
        for (name, conclusion) in [("a", "adopted"), ("a", "adopted"), ("b", "adopted"), ("a", "unsent")] {
            tally.count(&provider(name), conclusion);
        }
        let told: Vec<_> = tally.read().into_iter().map(|end| (end.conclusion, end.count)).collect();
        assert_eq!(told, [("adopted", 2), ("unsent", 1), ("adopted", 1)]);
    }
}
