//! What was seen of one grant: by its owner, and in the provider's journal.

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
        let mut newest_shown = 0;
        let mut spends = Vec::new();
        for entry in self.presentations(house) {
            let shown = entry.generation.unwrap();
            let adopted = self.adoptions.iter().filter(|adoption| adoption.seen_at <= entry.seq);
            let held = adopted.map(|adoption| adoption.generation).max().unwrap_or(0).max(newest_shown);
            if shown < held {
                spends.push(format!("{:?} showed {shown} while holding {held}: {entry:?}", self.key));
            }
            newest_shown = newest_shown.max(shown);
        }
        spends
    }

    /// Whether the provider has issued a refresh token that the broker does not hold.
    pub(super) fn has_unadopted_successor(&self, house: &House) -> bool {
        let rotations = self.presentations(house).into_iter().filter(|entry| entry.committed).count() as u64;
        self.adoptions.last().unwrap().generation < rotations
    }
}
