//! Several replicas on one Postgres: one of them polls at a time.

use std::time::Duration;

use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::v1::AuthorizationState;
use provider_sim::{Endpoint, Fault, Journal, When};

use super::{allow_devices, answers, approve, pauses, polls, until_ended, until_polled};
use crate::BINARY;

/// What the simulators of a fleet ask for.
const INTERVAL: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_replicas_one_polls_each_interval_and_both_vend() {
    let fleet = Fleet::plan(BINARY).replicas(2).scheduler().rotation("tick", "50ms").start().await;
    allow_devices(fleet.client(0)).await;
    let key = fleet.keys(Site::Strict, 0..1).remove(0);
    let journal = fleet.simulator(Site::Strict).journal().clone();
    let started = fleet.client(0).start_device(&key).await.unwrap();
    until_polled(&journal, 4).await;
    approve(&started).await;

    for replica in [0, 1] {
        let ended = until_ended(fleet.client(replica), &started).await;
        assert_eq!(ended.state(), AuthorizationState::Completed, "{replica}");
        let token = fleet.client(replica).token(ask(&key)).await.unwrap();
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200, "{replica}");
    }
    assert_one_at_a_time(&journal);
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn another_replica_goes_on_where_one_died_while_it_polled() {
    let mut fleet = Fleet::plan(BINARY)
        .children()
        .replicas(2)
        .scheduler()
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", "2s")
        .rotation("tick", "100ms")
        .start()
        .await;
    allow_devices(fleet.client(0)).await;
    let key = fleet.keys(Site::Strict, 0..1).remove(0);
    let simulator = fleet.simulator(Site::Strict);
    let journal = simulator.journal().clone();
    simulator.faults().push(Fault::hang(Endpoint::Token, When::BeforeCommit));
    // Alone, so that it is the one that polls.
    fleet.take(1).stop().await;
    let started = fleet.client(0).start_device(&key).await.unwrap();
    journal.wait_for(|journal| !polls(journal).is_empty(), LONGEST_WAIT).await.unwrap();
    fleet.restart(1).await;
    fleet.take(0).kill().await;
    approve(&started).await;

    let ended = until_ended(fleet.client(1), &started).await;
    assert_eq!(ended.state(), AuthorizationState::Completed);
    assert_eq!(fleet.client(1).token(ask(&key)).await.unwrap().generation, 1);
    assert_eq!(journal_commits(&journal), 1);
    fleet.close().await;
}

/// The simulator is strict: who polls too soon is told to slow down.
fn assert_one_at_a_time(journal: &Journal) {
    let pauses = pauses(journal);
    assert!(pauses.iter().all(|pause| *pause >= INTERVAL), "{pauses:?}");
    let mut answers = answers(journal);
    assert_eq!(answers.pop(), Some(None), "the last one brings the tokens");
    assert!(answers.iter().all(|answer| answer.as_deref() == Some("authorization_pending")), "{answers:?}");
    assert_eq!(journal_commits(journal), 1);
}

fn journal_commits(journal: &Journal) -> usize {
    polls(journal).iter().filter(|poll| poll.committed).count()
}
