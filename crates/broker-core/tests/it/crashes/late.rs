//! An answer that comes after its deadline is still read: nobody died, and nothing is lost.

use std::thread;
use std::time::Duration;

use broker_core::Clock;

use super::modes::Mode;
use super::outcome::{Fate, Line, Outcome};
use super::stand::{Shelf, Stand};
use super::stops::Stop;

/// How things stand when the late answer has come. Where the token may be shown again it was, and the provider answered
/// twice: its later answer holds.
fn expected(mode: Mode) -> Line {
    const LATE: Line = (Fate::Kept(2), 1, LATEST, &["adopted"]);
    match mode {
        Mode::RevokeFamily | Mode::Reject => LATE,
        Mode::Grace | Mode::Reusable => {
            (Fate::Kept(2), 2, LATEST, &["reading_late", "adopted", "superseded"])
        }
    }
}

/// Seconds after which the answer comes: beyond a grace, and still read.
const LATEST: u64 = 110;

/// Until when an answer is waited for, in seconds: within a grace there is to be time for three.
fn deadline(mode: Mode) -> u64 {
    match mode {
        Mode::Grace => 10,
        Mode::RevokeFamily | Mode::Reject | Mode::Reusable => 33,
    }
}

pub(crate) fn check<S: Shelf>() {
    thread::scope(|scope| {
        for mode in Mode::ALL {
            scope.spawn(move || answer_late::<S>(mode));
        }
    });
}

fn answer_late<S: Shelf>(mode: Mode) {
    let mut stand = Stand::<S>::new(mode);
    let process = stand.consented();
    let began = stand.clock.now();
    stand.stops.arm(Stop::Answered);
    stand.crash(&process);
    for seconds in [deadline(mode), deadline(mode) + 1, LATEST] {
        stand.pass_until(began + Duration::from_secs(seconds));
        process.run(process.replica.settles());
    }
    stand.stops.thaw();
    process.run(process.replica.broker.drain());
    assert_eq!(stand.outcome(&process, began), Outcome::from(expected(mode)), "{mode:?}");
    stand.lives_on(&process, Fate::Kept(2));
    assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}");
}
