//! What a product sees of a life.

use std::time::Duration;

use broker_e2e::Answer;
use broker_e2e::client::read;
use broker_e2e::house::TENANT;
use broker_proto::v1::{EventType, GetAccessTokenResponse, Grant, ListAtRiskGrantsRequest};

use super::life::Life;
use super::seconds;

impl Life {
    pub(super) async fn grant(&self) -> Grant {
        self.house.client.grant(&self.key).await.unwrap()
    }

    pub(super) async fn vend(&self) -> Answer<GetAccessTokenResponse> {
        self.house.vend(&self.key).await
    }

    /// How many hours before its end each notice of the last consent was given.
    pub(super) fn notices(&self) -> Vec<i64> {
        let end = self.consented + self.window.map_or(0, seconds);
        let notices = self.told.since(self.consented, EventType::GrantExpiring);
        notices.map(|notice| (end - notice.time.unwrap().seconds + 1800) / 3600).collect()
    }

    /// Whether the grant is on the list of those that die within this time.
    pub(super) async fn is_at_risk(&self, within: Duration) -> bool {
        let within = Some(prost_types::Duration { seconds: seconds(within), nanos: 0 });
        let request = ListAtRiskGrantsRequest { tenant_id: TENANT.to_owned(), within, ..Default::default() };
        let listed = read(self.house.client.admin().list_at_risk_grants(request).await).unwrap().grants;
        assert!(listed.len() <= 1, "{listed:?}");
        !listed.is_empty()
    }

    /// How often the provider was asked to refresh, and how often it was shown one refresh token at most.
    pub(super) fn refreshes(&self) -> (usize, usize) {
        let journal = self.house.simulator(self.provider).journal();
        (journal.refreshes(), journal.max_presentations())
    }
}

/// How long after the last refresh the grant dies, in whole hours.
pub(super) fn hours_left_of_idle_life(grant: &Grant) -> i64 {
    let (dies, refreshed) = (grant.grant_expire_time.unwrap(), grant.last_refresh_time.unwrap());
    // The life is counted from before the refresh was sent.
    (dies.seconds - refreshed.seconds + 60) / 3600
}
