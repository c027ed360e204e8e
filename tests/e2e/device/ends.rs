//! The user refuses, or nobody answers.

use broker_e2e::Provider;
use broker_proto::v1::{AuthorizationState, Reason};
use provider_sim::{Endpoint, Fault, FaultBody, When};
use serde_json::json;
use tonic::Code;

use super::{approve, house, pass, polls, start, state};
use crate::errors::refused;

#[tokio::test]
async fn a_refusal_ends_it_and_the_user_may_be_asked_again() {
    let house = house().await;
    let (key, denied) = start(&house, "ada").await;
    let person = Provider::Evercam.person();
    person.deny_device(&denied.verification_uri_complete).await.unwrap();
    pass(&house, 5, 1).await;
    assert_eq!(state(&house, &denied).await, AuthorizationState::Denied);
    refused(house.vend(&key).await, Code::NotFound, Reason::GrantNotFound);

    let (_, again) = start(&house, "ada").await;
    approve(&again).await;
    pass(&house, 5, 2).await;
    assert_eq!(state(&house, &again).await, AuthorizationState::Completed);
    assert_eq!(state(&house, &denied).await, AuthorizationState::Denied);
    assert_eq!(house.vend(&key).await.unwrap().generation, 1);
    assert_eq!(polls(house.simulator(Provider::Evercam).journal()).len(), 2, "no poll after a refusal");
    house.close().await;
}

#[tokio::test]
async fn a_code_that_has_lapsed_is_not_polled_for() {
    let house = house().await;
    let (key, lapsed) = start(&house, "ada").await;
    pass(&house, 5, 1).await;
    pass(&house, 895, 1).await;
    assert_eq!(state(&house, &lapsed).await, AuthorizationState::Expired);
    refused(house.vend(&key).await, Code::NotFound, Reason::GrantNotFound);

    // That this one is polled shows that the broker was at work.
    let (_, other) = start(&house, "bea").await;
    approve(&other).await;
    pass(&house, 5, 2).await;
    assert_eq!(state(&house, &other).await, AuthorizationState::Completed);
    assert_eq!(polls(house.simulator(Provider::Evercam).journal()).len(), 2);
    house.close().await;
}

#[tokio::test]
async fn a_provider_may_let_a_code_lapse_before_its_time() {
    let house = house().await;
    let (_, started) = start(&house, "ada").await;
    let expired = FaultBody::Json(json!({ "error": "expired_token" }));
    let faults = house.simulator(Provider::Evercam).faults();
    faults.push(Fault::respond(Endpoint::Token, When::BeforeCommit, 400, expired));
    pass(&house, 5, 1).await;
    assert_eq!(state(&house, &started).await, AuthorizationState::Expired);
    house.close().await;
}
