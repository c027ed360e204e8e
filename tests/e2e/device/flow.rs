//! From the code to the token.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{AuthorizationState, GrantState, Reason};
use provider_sim::{Endpoint, Fault, FaultBody, When};
use serde_json::json;
use tonic::Code;

use super::{answers, approve, house, pass, pauses, polls, start, state, told};
use crate::errors::refused;

#[tokio::test]
async fn the_broker_polls_until_the_user_approves_and_tokens_are_vended() {
    let house = house().await;
    let (key, started) = start(&house, "ada").await;
    assert_eq!(started.interval.unwrap().seconds, 5);
    assert_eq!(started.expire_time.unwrap().seconds, house.clock.seconds() + 900);
    assert_eq!(state(&house, &started).await, AuthorizationState::Pending);
    pass(&house, 5, 1).await;
    pass(&house, 5, 2).await;
    assert_eq!(state(&house, &started).await, AuthorizationState::Pending);
    refused(house.vend(&key).await, Code::NotFound, Reason::GrantNotFound);

    approve(&started).await;
    pass(&house, 5, 3).await;
    let ended = told(&house.client, &started).await;
    let grant = house.client.grant(&key).await.unwrap();
    assert_eq!((ended.state(), &ended.grant_id), (AuthorizationState::Completed, &grant.grant_id));
    assert_eq!((grant.state(), grant.generation), (GrantState::Active, 1));
    let token = house.vend(&key).await.unwrap();
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 200);
    assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);

    let journal = house.simulator(Provider::Evercam).journal();
    let pending = || Some("authorization_pending".to_owned());
    assert_eq!(answers(journal), [pending(), pending(), None]);
    assert_eq!(pauses(journal), [Duration::from_secs(5); 2]);
    // Too short to be a canary. The device code is one.
    assert!(!house.log().contains(&started.user_code), "the user code is in the log");
    house.close().await;
}

/// Of two flows one is told to slow down. The other shows that the broker was at work meanwhile.
#[tokio::test]
async fn slow_down_adds_five_seconds_for_good() {
    let house = house().await;
    let (_, one) = start(&house, "ada").await;
    let (_, other) = start(&house, "bea").await;
    let slow_down = FaultBody::Json(json!({ "error": "slow_down" }));
    let simulator = house.simulator(Provider::Evercam);
    simulator.faults().push(Fault::respond(Endpoint::Token, When::BeforeCommit, 400, slow_down));
    let began = u64::try_from(house.clock.seconds()).unwrap() * 1000;
    for in_all in [2, 3, 5, 6, 8] {
        pass(&house, 5, in_all).await;
    }
    approve(&one).await;
    approve(&other).await;
    pass(&house, 5, 9).await;
    pass(&house, 5, 10).await;
    for started in [&one, &other] {
        assert_eq!(state(&house, started).await, AuthorizationState::Completed);
    }
    let at: Vec<u64> = polls(simulator.journal()).iter().map(|poll| (poll.time - began) / 1000).collect();
    assert_eq!(at, [5, 5, 10, 15, 15, 20, 25, 25, 30, 35]);
    house.close().await;
}

#[tokio::test]
async fn a_registration_must_allow_it() {
    let house = House::open().await;
    let key = house.key(Provider::Evercam, "ada");
    let started = house.client.start_device(&key).await;
    refused(started, Code::FailedPrecondition, Reason::NoClientRegistration);
    assert_eq!(house.simulator(Provider::Evercam).journal().entries().len(), 0, "the provider is not asked");
    house.close().await;
}
