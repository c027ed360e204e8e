//! SIGKILL while the user is waited for.

use std::time::Duration;

use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::{AuthorizationFailure, AuthorizationState};
use provider_sim::{Endpoint, EvercamConfig, Fault, FaultBody, Journal, When};
use serde_json::json;

use super::{allow_devices, approve, pauses, polls, start, until_ended, until_polled};
use crate::BINARY;

/// The shortest that a simulator and the broker know.
const INTERVAL: Duration = Duration::from_secs(1);

async fn house(device_interval: Duration) -> House {
    let evercam = EvercamConfig { device_interval, ..EvercamConfig::demo() };
    let house = House::plan()
        .child(BINARY)
        .evercam(evercam)
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("tick", "100ms")
        .open()
        .await;
    allow_devices(&house.client).await;
    house
}

/// Kills the broker while it waits for the answer to its next poll. None must be under way.
async fn kill_while_it_polls(house: &mut House, when: When) {
    let simulator = house.simulator(Provider::Evercam);
    simulator.faults().push(Fault::hang(Endpoint::Token, when));
    let hangs = |journal: &Journal| {
        let last = polls(journal).pop();
        last.is_some_and(|poll| poll.outcome.is_none() && poll.committed == (when == When::AfterCommit))
    };
    simulator.journal().wait_for(hangs, LONGEST_WAIT).await.unwrap();
    house.kill().await;
}

#[tokio::test]
async fn a_broker_killed_while_it_polls_goes_on_after_a_restart() {
    let mut house = house(INTERVAL).await;
    let (key, started) = start(&house, "ada").await;
    until_polled(house.simulator(Provider::Evercam).journal(), 2).await;
    house.until_settled().await;
    kill_while_it_polls(&mut house, When::BeforeCommit).await;
    approve(&started).await;
    house.restart().await;

    assert_eq!(until_ended(&house.client, &started).await.state(), AuthorizationState::Completed);
    let token = house.vend(&key).await.unwrap();
    assert_eq!((token.generation, house.api_status(Provider::Evercam, &token).await), (1, 200));
    let journal = house.simulator(Provider::Evercam).journal();
    let pauses = pauses(journal);
    assert!(pauses.iter().all(|pause| *pause >= INTERVAL), "{pauses:?}");
    assert_eq!(polls(journal).iter().filter(|poll| poll.committed).count(), 1);
    house.close().await;
}

#[tokio::test]
async fn a_slower_pace_outlives_the_broker() {
    let mut house = house(INTERVAL).await;
    let (_, started) = start(&house, "ada").await;
    let slow_down = FaultBody::Json(json!({ "error": "slow_down" }));
    let faults = house.simulator(Provider::Evercam).faults();
    faults.push(Fault::respond(Endpoint::Token, When::BeforeCommit, 400, slow_down));
    until_polled(house.simulator(Provider::Evercam).journal(), 1).await;
    house.until_settled().await;
    house.kill().await;
    approve(&started).await;
    house.restart().await;

    assert_eq!(until_ended(&house.client, &started).await.state(), AuthorizationState::Completed);
    let pauses = pauses(house.simulator(Provider::Evercam).journal());
    assert!(pauses.len() == 1 && pauses[0] >= Duration::from_secs(6), "{pauses:?}");
    house.close().await;
}

#[tokio::test]
async fn tokens_that_died_with_the_broker_are_told_of_and_the_user_starts_again() {
    // Time to approve before the first poll.
    let mut house = house(3 * INTERVAL).await;
    let (key, lost) = start(&house, "ada").await;
    approve(&lost).await;
    kill_while_it_polls(&mut house, When::AfterCommit).await;
    house.restart().await;

    let ended = until_ended(&house.client, &lost).await;
    assert_eq!(
        (ended.state(), ended.failure()),
        (AuthorizationState::Failed, AuthorizationFailure::OutcomeUnknown)
    );
    let (_, again) = start(&house, "ada").await;
    approve(&again).await;
    assert_eq!(until_ended(&house.client, &again).await.state(), AuthorizationState::Completed);
    let token = house.vend(&key).await.unwrap();
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 200);
    house.close().await;
}
