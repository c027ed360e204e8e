//! A replica dies in the middle of a rotation, and is not started again.

use std::time::{Duration, Instant};

use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use provider_sim::{Endpoint, Fault, When};

use crate::BINARY;

/// Long after this the lease of the dead replica would still be held.
const DEATH_DETECTION: Duration = Duration::from_secs(2);
/// A heartbeat, a tick, a pause between tries and an attempt, all of them on a busy machine.
const REPLAYED_WITHIN: Duration = DEATH_DETECTION.saturating_add(Duration::from_secs(11));

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_replica_finishes_a_dead_ones_rotation_within_the_providers_grace() {
    let mut fleet = Fleet::plan(BINARY)
        .children()
        .scheduler()
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", "2s")
        .rotation("tick", "200ms")
        .start()
        .await;
    let key = fleet.consents(Site::Lenient, 0..1).await.remove(0);
    let simulator = fleet.simulator(Site::Lenient);
    let (journal, faults) = (simulator.journal().clone(), simulator.faults().clone());
    // Rotated, and nobody is told.
    faults.push(Fault::hang(Endpoint::Refresh, When::AfterCommit));

    let (client, victim) = (fleet.client(0).clone(), fleet.take(0));
    let died = async {
        journal.wait_for(|journal| journal.refreshes() == 1, LONGEST_WAIT).await.unwrap();
        victim.kill().await;
        Instant::now()
    };
    let (answer, died) = tokio::join!(client.refresh(&key), died);
    assert!(answer.is_err(), "nobody is left to answer");

    journal.wait_for(|journal| journal.refreshes() == 2, LONGEST_WAIT).await.unwrap();
    let replayed = died.elapsed();
    assert!(replayed < REPLAYED_WITHIN, "replayed only {replayed:?} after the death");
    assert_eq!(journal.max_presentations(), 2, "the same token once more, and no third time");
    for survivor in [1, 2] {
        let token = fleet.until_generation(survivor, &key, 2).await;
        assert_eq!(fleet.api_status(Site::Lenient, &token).await, 200);
    }
    assert_eq!(fleet.client(1).token(ask(&key)).await.unwrap().generation, 2);
    fleet.close().await;
}
