//! "What each crash costs" (`docs/rotation.md`), shown: a process dies at every step of a rotation, once and twice, at
//! every kind of provider and on both stores, and the outcome is the table's.

mod drive;
mod failover;
mod forgetful_store;
mod frozen;
mod late;
mod ledger;
mod lost_journal;
mod modes;
mod outcome;
mod points;
mod postgres;
mod process;
mod server;
mod side_doors;
mod sqlite;
mod stand;
mod stops;
mod store_door;

use std::thread;

use broker_core::Clock;

use self::modes::Mode;
use self::outcome::{Outcome, expected};
use self::points::Point;
use self::postgres::PostgresDatabase;
use self::sqlite::SqliteFile;
use self::stand::{Shelf, Stand};
use self::stops::Stop;

/// The journal of the first process.
const JOURNAL: &str = "a";

/// Every mode, with one crash and with two.
fn check<S: Shelf>(point: Point) {
    in_every_mode(|mode, crashes| {
        let expected = Outcome::from(expected(point, mode)[crashes - 1]);
        assert_eq!(die_at::<S>(mode, &point.stops()[..crashes]), expected, "{point:?}, {mode:?}, {crashes}");
    });
}

/// Side by side: most of a case is waiting for a disk.
fn in_every_mode(case: impl Fn(Mode, usize) + Sync) {
    thread::scope(|scope| {
        for (mode, crashes) in Mode::ALL.into_iter().flat_map(|mode| [(mode, 1), (mode, 2)]) {
            let case = &case;
            scope.spawn(move || case(mode, crashes));
        }
    });
}

/// A process dies at each stop, and the next one takes its store and journal over.
fn die_at<S: Shelf>(mode: Mode, stops: &[Stop]) -> Outcome {
    let mut stand = Stand::<S>::new(mode);
    let mut process = stand.consented();
    let began = stand.clock.now();
    for stop in stops {
        stand.stops.arm(*stop);
        stand.crash(&process);
        drop(process);
        process = stand.start(JOURNAL);
    }
    stand.settle(&process);
    let outcome = stand.outcome(&process, began);
    stand.lives_on(&process, outcome.fate);
    assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}");
    outcome
}

/// One test for each point.
macro_rules! on_each_store {
    (points: $($name:ident: $point:ident,)+; others: $($other:ident: $module:ident::$check:ident,)+) => {
        mod on_sqlite {
            use super::*;
            $(#[test] fn $name() { check::<SqliteFile>(Point::$point); })+
            $(#[test] fn $other() { $module::$check::<SqliteFile>(); })+
        }

        mod on_postgres {
            use super::*;
            $(#[test] fn $name() { check::<PostgresDatabase>(Point::$point); })+
            $(#[test] fn $other() { $module::$check::<PostgresDatabase>(); })+
        }
    };
}

on_each_store! {
    points:
    before_the_claim_nothing_is_lost: BeforeTheClaim,
    a_dead_holders_lease_is_respected_for_a_while_only: LeaseHeldOnly,
    a_claim_that_was_not_sent_is_given_back: ClaimedNotSent,
    a_request_that_never_arrived_is_made_again: SentAndNotAtTheProvider,
    an_answer_in_flight_is_lost_without_a_grace: AnswerInFlight,
    an_answer_in_memory_is_lost_without_a_grace: BodyInMemory,
    an_escrowed_answer_is_adopted_at_the_next_start: EscrowedNotCommitted,
    an_adoption_nobody_heard_of_stands: CommittedNotAcknowledged,
    a_lease_that_was_not_given_back_costs_time_only: LeaseNotGivenBack,
    ;
    others:
    an_answer_is_lost_with_its_machine_and_only_then: lost_journal::check,
    commits_the_store_has_lost_are_adopted_again: forgetful_store::check_lost_commits,
    commits_lost_under_a_running_process_are_adopted_again: failover::check_known,
    commits_lost_with_the_process_itself_are_adopted_again: failover::check_forgotten,
    a_restored_store_is_not_refreshed_before_an_operator_speaks: forgetful_store::check_restored,
    an_answer_that_is_late_is_read_and_adopted: late::check,
    a_frozen_owner_costs_what_the_table_says: frozen::check,
}
