//! A replica is killed in the middle of a rotation. One of the other version finishes it.

use std::path::Path;

use broker_e2e::{Fleet, LONGEST_WAIT, Site, ask};
use provider_sim::{Endpoint, Fault, When};
use tokio::process::Command;

use super::{current, migrate, plan, previous, replace};
use crate::fleet::patience::until;

const DIES: usize = 0;
const STAYS: usize = 1;

/// A replica of each version; the first is the one that dies.
async fn pair(dies: &Path, stays: &Path) -> Fleet {
    let mut fleet = plan().replicas(2).scheduler().rotation("tick", "200ms").start().await;
    migrate(&fleet).await;
    replace(&mut fleet, DIES, dies).await;
    replace(&mut fleet, STAYS, stays).await;
    fleet
}

async fn an_orphan_is_taken(dies: &Path, stays: &Path) {
    let mut fleet = pair(dies, stays).await;
    let key = fleet.consents(Site::Lenient, 0..1).await.remove(0);
    let simulator = fleet.simulator(Site::Lenient);
    let (journal, faults) = (simulator.journal().clone(), simulator.faults().clone());
    // Rotated, and nobody is told.
    faults.push(Fault::hang(Endpoint::Refresh, When::AfterCommit));
    let (client, victim) = (fleet.client(DIES).clone(), fleet.take(DIES));
    let died = async {
        journal.wait_for(|journal| journal.refreshes() == 1, LONGEST_WAIT).await.unwrap();
        victim.kill().await;
    };
    let (answer, ()) = tokio::join!(client.refresh(&key), died);
    assert!(answer.is_err(), "nobody is left to answer");

    journal.wait_for(|journal| journal.refreshes() == 2, LONGEST_WAIT).await.unwrap();
    let token = fleet.until_generation(STAYS, &key, 2).await;
    assert_eq!(fleet.api_status(Site::Lenient, &token).await, 200);
    assert_eq!(journal.max_presentations(), 2, "the same token once more, and no third time");
    fleet.close().await;
}

async fn a_journal_is_replayed(dies: &Path, stays: &Path) {
    let mut fleet = pair(dies, stays).await;
    let key = fleet.consents(Site::Strict, 0..1).await.remove(0);
    let simulator = fleet.simulator(Site::Strict);
    let (journal, faults) = (simulator.journal().clone(), simulator.faults().clone());
    faults.push(Fault::hang(Endpoint::Refresh, When::BeforeCommit).forever());
    let (client, victim) = (fleet.client(DIES).clone(), fleet.take(DIES));
    let escrow = fleet.home_of(DIES).config.with_file_name("escrow");
    let died = async {
        let is_sent =
            |journal: &provider_sim::Journal| journal.count(|entry| entry.endpoint == Endpoint::Refresh) == 1;
        journal.wait_for(is_sent, LONGEST_WAIT).await.unwrap();
        // The answer reaches the journal, and not the store.
        fleet.postgres.pause().await;
        faults.clear();
        until("a record in the journal", async || records_in(&escrow).await == 1).await;
        victim.kill().await;
        fleet.postgres.resume().await;
    };
    let (answer, ()) = tokio::join!(client.refresh(&key), died);
    assert!(answer.is_err(), "nobody is left to answer");

    // The other version starts where the dead one was.
    fleet.restart_as(DIES, stays).await;
    for replica in [DIES, STAYS] {
        let token = fleet.until_generation(replica, &key, 2).await;
        assert_eq!(fleet.api_status(Site::Strict, &token).await, 200);
    }
    assert_eq!(fleet.client(STAYS).token(ask(&key)).await.unwrap().generation, 2);
    assert_eq!((journal.refreshes(), journal.max_presentations()), (1, 1));
    fleet.close().await;
}

/// Answers to refreshes.
async fn records_in(escrow: &Path) -> usize {
    let mut inspect = Command::new(current());
    let output = inspect.args(["escrow", "inspect", "--dir"]).arg(escrow).output().await.unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    // That of the code exchange, of generation 0, may still be there.
    said.lines().filter(|line| line.contains(" generation 1 ")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn what_the_version_before_left_is_finished_by_this_one() {
    an_orphan_is_taken(&previous(), &current()).await;
    a_journal_is_replayed(&previous(), &current()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "needs the version before: cargo xtask upgrade"]
async fn what_this_version_left_is_finished_by_the_one_before() {
    an_orphan_is_taken(&current(), &previous()).await;
    a_journal_is_replayed(&current(), &previous()).await;
}
