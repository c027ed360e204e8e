//! A copy of the database is not rotated: the original's tokens would die of it. A replica that is new to a living fleet
//! finds the same, and refreshes all the same.

use std::time::{Duration, Instant};

use broker_e2e::fleet::Plan;
use broker_e2e::{Fleet, Site};
use broker_proto::v1::GrantPhase;
use provider_sim::Endpoint;

use super::patience::refresh_patiently;
use crate::BINARY;

const GRANTS: usize = 5;
const HEARTBEAT: Duration = Duration::from_secs(1);
/// As it is by default. Long enough for a copy to be made and started meanwhile.
const DEATH_DETECTION: Duration = Duration::from_secs(8);

fn plan() -> Plan {
    Fleet::plan(BINARY)
        .children()
        .replicas(1)
        .scheduler()
        .rotation("heartbeat", "1s")
        .rotation("tick", "200ms")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clone_of_a_live_database_is_not_rotated_until_it_is_declared_the_only_copy() {
    let mut fleet = plan().start().await;
    let keys = fleet.consents(Site::Strict, 0..GRANTS).await;
    for key in &keys {
        fleet.client(0).refresh(key).await.unwrap();
    }
    // As a snapshot of a running database finds it.
    fleet.take(0).kill().await;
    let copy = fleet.database.copy("copy").await;
    let home = fleet.home("stranger", &copy);
    let journal = fleet.simulator(Site::Strict).journal().clone();
    let presentations = || journal.count(|entry| entry.endpoint == Endpoint::Refresh);

    let stranger = fleet.start_stranger(&home).await;
    let is_refused = async || {
        for key in &keys {
            let refused = stranger.client.refresh(key).await.unwrap_err();
            assert_eq!(refused.reason(), Some(broker_proto::v1::Reason::BackendUnavailable), "{refused}");
            let grant = stranger.client.grant(key).await.unwrap();
            assert_eq!((grant.phase(), grant.generation), (GrantPhase::Idle, 2));
        }
    };
    is_refused().await;
    assert!(!copy.is_silent_for(DEATH_DETECTION).await, "the original's replica looks alive");
    assert!(!home.log().contains("refresh is paused"), "it may still be new to a living fleet");
    home.until_logged("refresh is paused").await;
    assert!(home.log().contains("token-broker store adopt"), "it says what to do");
    is_refused().await;
    assert_eq!((presentations(), copy.open_attempts().await), (GRANTS, 0), "nothing was presented");

    let (status, said) = fleet.command(&["store", "adopt"], &home).await;
    assert!(status.success(), "{said}");
    for key in &keys {
        assert_eq!(refresh_patiently(&stranger.client, key).await.unwrap().generation, 3);
    }
    assert_eq!((presentations(), journal.max_presentations()), (2 * GRANTS, 1));
    stranger.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replica_that_is_new_to_a_living_fleet_refreshes_within_a_few_heartbeats() {
    let fleet = plan().start().await;
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    fleet.client(0).refresh(&key).await.unwrap();

    let home = fleet.home("newcomer", &fleet.database);
    let newcomer = fleet.start_stranger(&home).await;
    let started = Instant::now();
    assert_eq!(refresh_patiently(&newcomer.client, &key).await.unwrap().generation, 3);
    let waited = started.elapsed();
    assert!(waited < 4 * HEARTBEAT, "it refreshed only {waited:?} after its start");
    assert!(home.log().contains("refresh waits"), "it has listened for the other one");
    newcomer.stop().await;
    fleet.close().await;
}
