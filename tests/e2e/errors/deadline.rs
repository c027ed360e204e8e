//! A caller's deadline ends the caller's wait, never the rotation.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, LONGEST_WAIT, Provider, ask};
use broker_proto::v1::Reason;
use futures_util::future::{Either, select};
use provider_sim::{Endpoint, Fault, When};
use tonic::{Code, Request};

use super::refused;

/// In real time it never comes: what passes in this test is the time of the broker's clock.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_refresh_that_outlasts_the_deadline_is_told_of_before_it_and_goes_on() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::hang(Endpoint::Refresh, When::BeforeCommit));

        let mut request = Request::new(ask(&key));
        request.set_timeout(DEADLINE);
        let mut service = house.client.tokens();
        let vend = Box::pin(service.get_access_token(request));
        let arrived = simulator.journal().wait_for(
            |journal| journal.count(|entry| entry.endpoint == Endpoint::Refresh) == 1,
            LONGEST_WAIT,
        );
        let Either::Right((arrived, vend)) = select(vend, Box::pin(arrived)).await else {
            panic!("nothing hangs")
        };
        arrived.unwrap();

        house.clock.advance(DEADLINE - Duration::from_millis(101));
        let other_call = Box::pin(house.client.grant(&key));
        let Either::Right((_, vend)) = select(vend, other_call).await else {
            panic!("{provider:?}: answered too early")
        };
        house.clock.advance(Duration::from_millis(1));
        let error = refused(read(vend.await), Code::Unavailable, Reason::RefreshInProgress);
        assert!(error.retry_delay().unwrap() > Duration::ZERO);
        assert_eq!(simulator.journal().refreshes(), 0);

        simulator.faults().clear();
        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        assert_eq!((simulator.journal().refreshes(), simulator.journal().max_presentations()), (1, 1));
        house.close().await;
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_does_not_cancel_the_rotation() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::hang(Endpoint::Refresh, When::AfterCommit));

        let vend = Box::pin(house.vend(&key));
        let committed = simulator.journal().wait_for(|journal| journal.refreshes() == 1, LONGEST_WAIT);
        let Either::Right((committed, vend)) = select(vend, Box::pin(committed)).await else {
            panic!("nothing hangs")
        };
        committed.unwrap();
        drop(vend);
        simulator.faults().clear();

        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        assert_eq!(simulator.journal().max_presentations(), 1, "{provider:?}");
        house.close().await;
    }
}
