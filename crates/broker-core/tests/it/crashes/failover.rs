//! C9 under processes that live on: the store fails over to a standby that lacks commits they were told of. With the next
//! heartbeat they know; until the journal was replayed nobody claims, and callers are served all the while.

use std::pin::pin;
use std::time::Duration;

use broker_core::{Barred, BrokerError, Clock, VendRequest};

use super::modes::Mode;
use super::outcome::{Fate, Outcome};
use super::process::Process;
use super::stand::{Shelf, Stand};
use super::stops::Stop;
use super::{JOURNAL, in_every_mode};
use crate::world::{key, request};

/// The standby knows the replicas, and lacks the refresh of one of them.
pub(crate) fn check_known<S: Shelf>() {
    in_every_mode(|mode, losses| {
        let mut stand = Stand::<S>::new(mode);
        let process = stand.consented();
        let other = stand.start_beside(&process, "b");
        S::run(stand.shelf.replicate());
        reconnects(&process);
        reconnects(&other);
        lose_and_go_on(stand, &[&process, &other], mode, losses);
    });
}

/// The standby lacks the replica itself, whose run on the journal before ended in order: nobody there knows of a journal
/// that is to be replayed.
pub(crate) fn check_forgotten<S: Shelf>() {
    in_every_mode(|mode, losses| {
        let mut stand = Stand::<S>::new(mode);
        let before = stand.consented();
        before.run(before.replica.broker.leave());
        drop(before);
        S::run(stand.shelf.back_up());
        let process = stand.start(JOURNAL);
        lose_and_go_on(stand, &[&process], mode, losses);
    });
}

/// The refresh of the first replica is lost, once or again and again.
fn lose_and_go_on<S: Shelf>(mut stand: Stand<S>, fleet: &[&Process], mode: Mode, losses: usize) {
    let began = stand.clock.now();
    let process = fleet[0];
    stand.settle(process);
    // Each is at work: what it vends is at hand when its connections are cut.
    for replica in fleet {
        replica.run(serves(replica));
    }
    for _ in 0..losses {
        S::run(stand.shelf.fail_over());
        for replica in fleet {
            replica.run(serves_and_does_not_claim(replica));
        }
        replays(&stand, process);
        goes_on(fleet);
    }
    let seen = stand.outcome(process, began);
    let expected =
        Outcome { fate: Fate::Kept(2), presented: 1, seconds: 0, endings: vec!["adopted"; losses + 1] };
    assert_eq!(seen, expected, "{mode:?}, {losses}");
    stand.lives_on(process, seen.fate);
    assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}, {losses}");
}

/// The first thing asked after a cut may find a connection that leads nowhere.
fn reconnects(process: &Process) {
    process.run(process.replica.broker.beat());
}

/// Again and again: the first time its connections lead nowhere, the next time the store refuses, and then it knows.
async fn serves_and_does_not_claim(process: &Process) {
    let broker = &process.replica.broker;
    for _ in 0..4 {
        serves(process).await;
        let refreshed = broker.refresh_grant(&key(), None).await;
        let waits =
            matches!(refreshed, Err(BrokerError::BackendUnavailable(_) | BrokerError::RefreshInProgress(_)));
        assert!(waits, "{refreshed:?}");
    }
    serves(process).await;
}

/// The generation of the token that a caller is served who does not wait.
async fn serves(process: &Process) -> u64 {
    let asked = VendRequest { wait: Some(Duration::ZERO), ..request() };
    process.replica.broker.vend(&asked).await.unwrap().grant.grant.generation.get()
}

/// A heartbeat finds out, and the journal is replayed. Meanwhile nothing is claimed.
fn replays<S: Shelf>(stand: &Stand<S>, process: &Process) {
    stand.stops.arm(Stop::Replay);
    process.run(async {
        let broker = &process.replica.broker;
        let mut beat = pin!(broker.beat());
        tokio::select! {
            biased;
            () = stand.stops.reached() => {}
            () = &mut beat => panic!("the journal is not replayed"),
        }
        assert_eq!(broker.barred(), Some(Barred::Replaying));
        serves_and_does_not_claim(process).await;
        stand.stops.thaw();
        beat.await;
    });
}

/// Each replica replays its journal with one heartbeat, and learns with the next that all have.
fn goes_on(fleet: &[&Process]) {
    for replica in [fleet, fleet].concat() {
        replica.run(replica.replica.broker.beat());
    }
    for replica in fleet {
        assert_eq!(replica.replica.broker.barred(), None);
        assert_eq!(replica.run(serves(replica)), 2, "what was adopted again");
    }
}
