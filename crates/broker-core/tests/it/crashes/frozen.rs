//! C11: the owner of an attempt freezes between SENT and its first byte, for longer than anybody waits, and goes on.

use std::thread;
use std::time::Duration;

use broker_core::{Clock, ConsentCause};

use super::modes::Mode;
use super::outcome::Fate;
use super::process::Process;
use super::stand::{Shelf, Stand};
use super::stops::Stop;
use crate::world::key;

/// What the orphaned request costs. It is the one case where a token is presented whose successor was adopted: no
/// fence reaches a process that has passed it.
fn expected(mode: Mode) -> (Fate, u32) {
    match mode {
        // Its showing revokes the family, and the user is asked once that is confirmed.
        Mode::RevokeFamily | Mode::Grace => (Fate::Lost(ConsentCause::Revoked), 1),
        Mode::Reject => (Fate::Kept(3), 1),
        Mode::Reusable => (Fate::Kept(3), 0),
    }
}

/// When the other replica has recovered, in seconds after the freeze.
fn recovered_after(mode: Mode) -> u64 {
    match mode {
        Mode::RevokeFamily => 608,
        Mode::Reject => 613,
        Mode::Grace => 9,
        // Death is found out after 9 s, and the retry comes when the dead lease is respected no more.
        Mode::Reusable => 18,
    }
}

pub(crate) fn check<S: Shelf>() {
    thread::scope(|scope| {
        for mode in Mode::ALL {
            scope.spawn(move || freeze::<S>(mode));
        }
    });
}

fn freeze<S: Shelf>(mode: Mode) {
    let mut stand = Stand::<S>::new(mode);
    let frozen = stand.consented();
    let other = stand.start_beside(&frozen, "other");
    let began = stand.clock.now();
    stand.stops.arm(Stop::Sent);
    stand.crash(&frozen);
    stand.settle(&other);
    let recovered = stand.outcome(&other, began);
    assert_eq!((recovered.fate, recovered.presented), (Fate::Kept(2), 1), "{mode:?}");
    assert_eq!(recovered.seconds, recovered_after(mode), "{mode:?}");
    stand.clock.advance(MINUTE);

    stand.stops.thaw();
    frozen.run(frozen.replica.broker.drain());
    let (fate, double_spends) = expected(mode);
    refresh(&other);
    if let Fate::Lost(_) = fate {
        stand.clock.advance(MINUTE);
        refresh(&other);
    }
    assert_eq!(stand.outcome(&other, began).fate, fate, "{mode:?}");
    assert_eq!(stand.ledger.double_spends(), double_spends, "{mode:?}");
}

const MINUTE: Duration = Duration::from_secs(60);

fn refresh(process: &Process) {
    process.run(async {
        process.replica.beat().await;
        // What it brings stands in the grant.
        let _ = process.replica.broker.refresh_grant(&key(), None).await;
    });
}
