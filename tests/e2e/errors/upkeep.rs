//! An operator's forced refresh keeps to the waits that protect a grant.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{GrantState, Reason};
use provider_sim::{Endpoint, Fault, FaultBody, When};
use serde_json::json;
use tonic::Code;

use super::refused;

#[tokio::test]
async fn a_forced_refresh_does_not_meet_an_orphaned_request() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit));
        let lost = house.client.refresh(&key).await;
        refused(lost, Code::Unavailable, Reason::ProviderUnavailable);

        let early = house.client.refresh(&key).await;
        let error = refused(early, Code::Unavailable, Reason::ProviderUnavailable);
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(120)));
        assert_eq!(
            simulator.journal().max_presentations(),
            1,
            "{provider:?}: the request may still be on its way"
        );

        house.clock.advance(Duration::from_secs(121));
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn a_forced_refresh_does_not_hasten_the_end_of_a_suspect() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let dead = FaultBody::Json(json!({ "error": "invalid_grant" }));
        let fault = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 400, dead).times(2);
        house.simulator(provider).faults().push(fault);

        for _ in 0..2 {
            refused(house.client.refresh(&key).await, Code::Unavailable, Reason::RefreshInProgress);
        }

        assert_eq!(house.client.grant(&key).await.unwrap().state(), GrantState::Active, "{provider:?}");
        house.close().await;
    }
}
