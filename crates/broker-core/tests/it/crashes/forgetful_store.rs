//! C9 and C10: the store is put back to what it was before. With the journal its answers are adopted again; without it
//! nobody is refreshed until an operator has spoken.

use std::time::Duration;

use broker_core::testing::conformance::record;
use broker_core::{Barred, BrokerError, Clock, InstallationId};

use super::modes::Mode;
use super::outcome::{Fate, Outcome};
use super::process::Process;
use super::stand::{Shelf, Stand};
use super::{JOURNAL, in_every_mode};
use crate::world::key;

const HOURS: Duration = Duration::from_secs(3 * 3600);
const ELSEWHERE: &str = "of another machine";

/// A process dies, and its store is put back.
fn die_and_put_back<S: Shelf>(stand: &mut Stand<S>, process: Process) {
    drop(process);
    S::run(stand.shelf.put_back());
}

/// C9: acknowledged commits are lost, once or again and again.
pub(crate) fn check_lost_commits<S: Shelf>() {
    in_every_mode(|mode, losses| {
        let (mut stand, mut process) = backed_up::<S>(mode);
        let began = stand.clock.now();
        stand.settle(&process);
        for _ in 0..losses {
            die_and_put_back(&mut stand, process);
            process = stand.start(JOURNAL);
            stand.settle(&process);
        }
        let seen = stand.outcome(&process, began);
        let endings = vec!["adopted"; losses + 1];
        assert_eq!(seen, Outcome { fate: Fate::Kept(2), presented: 1, seconds: 0, endings }, "{mode:?}");
        stand.lives_on(&process, seen.fate);
        assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}");
    });
}

/// C10: hours later, another machine is given a backup. Its broker is started again and again, and nothing is refreshed.
pub(crate) fn check_restored<S: Shelf>() {
    in_every_mode(|mode, starts| {
        let mut stand = restored_hours_later::<S>(mode);
        let mut process = stand.start(ELSEWHERE);
        for _ in 1..starts {
            stays_paused(&stand, &process);
            drop(process);
            process = stand.start(ELSEWHERE);
        }
        stays_paused(&stand, &process);
        assert_eq!(stand.server.presented("rt-2"), 0, "{mode:?}");
        the_operator_speaks(&stand, &process);
    });
}

fn stays_paused<S: Shelf>(stand: &Stand<S>, process: &Process) {
    for barred in [Barred::Unvouched, Barred::NoJournal] {
        let stopped = process.run(async {
            let replica = &process.replica;
            replica.beat().await;
            replica.broker.refresh_grant(&key(), None).await
        });
        assert!(matches!(stopped, Err(BrokerError::BackendUnavailable(_))), "{barred}: {stopped:?}");
        assert_eq!(process.replica.broker.barred(), Some(barred));
        stand.clock.advance(Duration::from_secs(3600));
    }
}

/// `token-broker store adopt`: this is the only copy.
fn the_operator_speaks<S: Shelf>(stand: &Stand<S>, process: &Process) {
    process.run(async {
        let now = stand.clock.now();
        process
            .stores
            .fleet
            .adopt_installation(InstallationId::from_bytes([7; 16]), now, &record())
            .await
            .unwrap();
        let replica = &process.replica;
        replica.beat().await;
        assert_eq!(replica.broker.barred(), None);
        assert_eq!(replica.broker.refresh_grant(&key(), None).await.unwrap().generation.get(), 3);
    });
}

fn backed_up<S: Shelf>(mode: Mode) -> (Stand<S>, Process) {
    let mut stand = Stand::<S>::new(mode);
    drop(stand.consented());
    S::run(stand.shelf.back_up());
    let process = stand.start(JOURNAL);
    (stand, process)
}

/// The backup is as old as the last rotation, so that its tokens are good.
fn restored_hours_later<S: Shelf>(mode: Mode) -> Stand<S> {
    let mut stand = Stand::<S>::new(mode);
    let process = stand.consented();
    stand.settle(&process);
    drop(process);
    S::run(stand.shelf.back_up());
    stand.clock.advance(HOURS);
    S::run(stand.shelf.put_back());
    stand
}
