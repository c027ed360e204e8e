//! A caller's deadline ends the caller's wait, never the rotation.

use std::time::Duration;

use broker_e2e::client::read;
use broker_e2e::{House, LONGEST_WAIT, Provider, ask};
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::{AuthorizationState, CompleteAuthorizationRequest, Reason, RefreshGrantRequest};
use futures_util::future::{Either, select};
use provider_sim::{Endpoint, Fault, Journal, When};
use tonic::{Code, Request, Response, Status};

use super::refused;

/// In real time it never comes: what passes in this test is the time of the broker's clock.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_vend_that_outlasts_the_deadline_is_answered_before_it_and_the_refresh_goes_on() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let mut tokens = house.client.tokens();
        let vend = tokens.get_access_token(with_deadline(ask(&key)));
        assert_answered_in_time(&house, provider, Endpoint::Refresh, vend).await;

        house.simulator(provider).faults().clear();

        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        assert_shown_once(&house, provider);
        house.close().await;
    }
}

#[tokio::test]
async fn so_is_a_forced_refresh() {
    for provider in Provider::ALL {
        let mut house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let mut admin = house.client.admin();
        let refresh = admin.refresh_grant(with_deadline(RefreshGrantRequest { key: Some(key.clone()) }));
        assert_answered_in_time(&house, provider, Endpoint::Refresh, refresh).await;

        house.simulator(provider).faults().clear();
        // Waits for what is under way.
        house.stop().await;
        house.restart().await;

        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        assert_shown_once(&house, provider);
        house.close().await;
    }
}

#[tokio::test]
async fn so_is_the_exchange_of_a_code() {
    for provider in Provider::ALL {
        let mut house = House::open().await;
        let key = house.key(provider, "ada");
        let (started, callback) = house.approve(&key).await;
        let request = CompleteAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            user_id: key.user_id.clone(),
            callback: Some(Callback::CallbackUrl(callback)),
        };
        let mut consents = house.client.consents();
        let complete = consents.complete_authorization(with_deadline(request));
        assert_answered_in_time(&house, provider, Endpoint::Exchange, complete).await;
        let authorization = house.client.authorization("acme", &started.authorization_id).await.unwrap();
        assert_eq!(authorization.state(), AuthorizationState::Pending);

        house.simulator(provider).faults().clear();
        // Waits for what is under way.
        house.stop().await;
        house.restart().await;

        let authorization = house.client.authorization("acme", &started.authorization_id).await.unwrap();
        assert_eq!(authorization.state(), AuthorizationState::Completed);
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        house.close().await;
    }
}

fn with_deadline<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.set_timeout(DEADLINE);
    request
}

/// Lets the provider hang, and moves the broker's clock to just before, and then to, 100 ms before the deadline.
async fn assert_answered_in_time<T>(
    house: &House,
    provider: Provider,
    endpoint: Endpoint,
    call: impl Future<Output = Result<Response<T>, Status>>,
) {
    let simulator = house.simulator(provider);
    simulator.faults().push(Fault::hang(endpoint, When::BeforeCommit));
    let arrived = |journal: &Journal| journal.count(|entry| entry.endpoint == endpoint) == 1;
    let arrived = Box::pin(simulator.journal().wait_for(arrived, LONGEST_WAIT));
    let Either::Right((arrived, call)) = select(Box::pin(call), arrived).await else {
        panic!("{provider:?}: nothing hangs")
    };
    arrived.unwrap();

    house.clock.advance(DEADLINE - Duration::from_millis(101));
    let somebody = house.key(provider, "somebody else");
    let other_call = Box::pin(house.client.start(&somebody));
    let Either::Right((_, call)) = select(call, other_call).await else {
        panic!("{provider:?}: answered too early")
    };
    house.clock.advance(Duration::from_millis(1));
    let error = refused(read(call.await), Code::Unavailable, Reason::RefreshInProgress);
    assert!(error.retry_delay().unwrap() > Duration::ZERO);
    assert_eq!(simulator.journal().count(|entry| entry.endpoint == endpoint && entry.committed), 0);
}

fn assert_shown_once(house: &House, provider: Provider) {
    let journal = house.simulator(provider).journal();
    assert_eq!((journal.refreshes(), journal.max_presentations()), (1, 1), "{provider:?}");
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
        assert_shown_once(&house, provider);
        house.close().await;
    }
}
