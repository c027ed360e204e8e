//! What was seen of one grant: by its owner, and in the provider's journal.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{Grant, GrantKey};
use provider_sim::{Endpoint, Entry, Journal};

/// One grant of one consent.
pub(super) struct Witness {
    provider: Provider,
    key: GrantKey,
    /// The provider's number of the consent.
    family: u64,
    adoptions: Vec<Adoption>,
}

/// The broker said that it holds the refresh token of this generation.
struct Adoption {
    /// Counted by the provider: 0 for the token of the code exchange.
    generation: u64,
    /// Entries of the journal when it said so.
    seen_at: u64,
}

impl Witness {
    pub(super) async fn consent(house: &House, provider: Provider, user: &str) -> Self {
        let key = house.consent(provider, user).await;
        let entries = house.simulator(provider).journal().entries();
        let exchange = entries.iter().rfind(|entry| entry.endpoint == Endpoint::Exchange).unwrap();
        Self { provider, key, family: exchange.family.unwrap(), adoptions: Vec::new() }
    }

    pub(super) fn provider(&self) -> Provider {
        self.provider
    }

    pub(super) fn key(&self) -> &GrantKey {
        &self.key
    }

    /// Notes the generation the broker holds. Its first token set is the provider's generation 0.
    pub(super) fn saw(&mut self, grant: &Grant, journal: &Journal) {
        let generation = grant.generation - 1;
        let newest = self.adoptions.last().map_or(0, |adoption| adoption.generation);
        assert!(generation >= newest, "{:?}: generation {newest} became {generation}", self.key);
        self.adoptions.push(Adoption { generation, seen_at: journal.entries().len() as u64 });
    }

    pub(super) fn is_presentation(&self, entry: &Entry) -> bool {
        entry.endpoint == Endpoint::Refresh && entry.family == Some(self.family)
    }

    /// Every time that a refresh token of this grant was shown.
    pub(super) fn presentations(&self, house: &House) -> Vec<Entry> {
        let entries = house.simulator(self.provider).journal().entries();
        entries.into_iter().filter(|entry| self.is_presentation(entry)).collect()
    }

    /// Tokens shown although the broker held, or had shown, a later one.
    pub(super) fn double_spends(&self, house: &House) -> Vec<String> {
        double_spends(&self.presentations(house), &self.adoptions)
    }

    /// Tokens shown again while their first request could still have been on its way.
    pub(super) fn hasty_probes(&self, house: &House, orphan_wait: Duration) -> Vec<String> {
        hasty_probes(&self.presentations(house), orphan_wait)
    }

    /// Whether the provider has issued a refresh token that the broker does not hold.
    pub(super) fn has_unadopted_successor(&self, house: &House) -> bool {
        let rotations = self.presentations(house).into_iter().filter(|entry| entry.committed).count() as u64;
        self.adoptions.last().unwrap().generation < rotations
    }
}

fn double_spends(presentations: &[Entry], adoptions: &[Adoption]) -> Vec<String> {
    let mut newest_shown = 0;
    let mut spends = Vec::new();
    for entry in presentations {
        let shown = entry.generation.unwrap();
        let known = adoptions.iter().filter(|adoption| adoption.seen_at <= entry.seq);
        let held = known.map(|adoption| adoption.generation).max().unwrap_or(0).max(newest_shown);
        if shown < held {
            spends.push(format!("{shown} was shown while {held} was held: {entry:?}"));
        }
        newest_shown = newest_shown.max(shown);
    }
    spends
}

fn hasty_probes(presentations: &[Entry], orphan_wait: Duration) -> Vec<String> {
    let pairs = presentations.windows(2).map(|pair| (&pair[0], &pair[1]));
    let again = pairs.filter(|(first, second)| first.generation == second.generation);
    let waited = |first: &Entry, second: &Entry| Duration::from_millis(second.time - first.time);
    let hasty = again.filter(|(first, second)| waited(first, second) < orphan_wait);
    hasty.map(|(first, second)| format!("{second:?} came too soon after {first:?}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(seq: u64, seconds: u64, generation: u64) -> Entry {
        Entry {
            seq,
            time: seconds * 1000,
            endpoint: Endpoint::Refresh,
            client_id: None,
            grant_type: None,
            presented: Some(generation),
            issued: None,
            family: Some(0),
            generation: Some(generation),
            committed: true,
            outcome: None,
            answered_micros: None,
        }
    }

    #[test]
    fn a_token_with_an_adopted_successor_is_a_double_spend() {
        let held = |generation, seen_at| Adoption { generation, seen_at };
        let probed = [shown(0, 0, 0), shown(1, 5, 0), shown(2, 6, 1)];
        assert_eq!(double_spends(&probed, &[held(0, 0), held(1, 2)]), [""; 0]);
        assert_eq!(double_spends(&probed, &[held(1, 1)]).len(), 1, "held before it was shown again");
        assert_eq!(
            double_spends(&[shown(0, 0, 1), shown(1, 5, 0)], &[]).len(),
            1,
            "shown after its successor"
        );
    }

    #[test]
    fn a_probe_waits_for_orphans() {
        let orphan_wait = Duration::from_secs(4);
        assert_eq!(hasty_probes(&[shown(0, 0, 0), shown(1, 4, 0), shown(2, 4, 1)], orphan_wait), [""; 0]);
        assert_eq!(hasty_probes(&[shown(0, 0, 0), shown(1, 3, 0)], orphan_wait).len(), 1);
    }
}
