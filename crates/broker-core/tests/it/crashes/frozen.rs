//! C11: the owner of an attempt freezes between SENT and its first byte, for longer than anybody waits, and goes on. Once,
//! and twice in a row: the owner of the probe that follows freezes as well.

use std::time::Duration;

use broker_core::{Clock, ConsentCause};

use super::in_every_mode;
use super::modes::Mode;
use super::outcome::{Fate, Line, Outcome};
use super::process::Process;
use super::stand::{Shelf, Stand};
use super::stops::Stop;
use crate::world::key;

/// How things stand when another replica has recovered, with one frozen owner and with two: as if they were dead.
fn recovered(mode: Mode) -> [Line; 2] {
    use Fate::Kept;
    const ONE: &[&str] = &["uncertain", "adopted"];
    const TWO: &[&str] = &["uncertain", "uncertain", "adopted"];
    match mode {
        Mode::RevokeFamily => [(Kept(2), 1, 608, ONE), (Kept(2), 1, 1216, TWO)],
        Mode::Reject => [(Kept(2), 1, 613, ONE), (Kept(2), 1, 1231, TWO)],
        Mode::Grace => [(Kept(2), 1, 9, ONE), (Kept(2), 1, 28, TWO)],
        // Death is found out after 9 s, and the retry comes when the dead lease is respected no more.
        Mode::Reusable => [(Kept(2), 1, 18, ONE), (Kept(2), 1, 36, TWO)],
    }
}

/// What the orphaned requests cost, and how attempts end from then on. It is the one case where a token is presented
/// whose successor was adopted: no fence reaches a process that has passed it.
fn cost(mode: Mode, orphans: usize) -> (Fate, Vec<&'static str>) {
    match mode {
        // Its showing revokes the family, and the user is asked once that is confirmed.
        Mode::RevokeFamily | Mode::Grace => {
            (Fate::Lost(ConsentCause::Revoked), vec!["dead_token", "dead_token_confirmed"])
        }
        Mode::Reject => (Fate::Kept(3), vec!["adopted"]),
        Mode::Reusable => (Fate::Kept(3), [vec!["superseded"; orphans], vec!["adopted"]].concat()),
    }
}

pub(crate) fn check<S: Shelf>() {
    in_every_mode(|mode, freezes| freeze::<S>(mode, freezes));
}

fn freeze<S: Shelf>(mode: Mode, freezes: usize) {
    let mut stand = Stand::<S>::new(mode);
    let first = stand.consented();
    let others = ["b", "c"].map(|journal| stand.start_beside(&first, journal));
    let mut fleet = std::iter::once(&first).chain(&others);
    let began = stand.clock.now();
    let frozen: Vec<_> = fleet.by_ref().take(freezes).collect();
    for owner in &frozen {
        stand.stops.arm(Stop::Sent);
        stand.crash(owner);
    }
    let survivor = fleet.next().unwrap();
    stand.settle(survivor);
    let expected = Outcome::from(recovered(mode)[freezes - 1]);
    assert_eq!(stand.outcome(survivor, began), expected, "{mode:?}, {freezes}");
    assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}, {freezes}");

    stand.clock.advance(LONGER_THAN_ORPHANS_ARE_WAITED_FOR);
    stand.stops.thaw();
    for owner in frozen {
        owner.run(owner.replica.broker.drain());
    }
    assert_eq!(stand.server.presented("rt-1") as usize, 1 + freezes, "{mode:?}, {freezes}");
    let dead = if mode == Mode::Reusable { 0 } else { freezes };
    assert_eq!(stand.ledger.double_spends() as usize, dead, "{mode:?}, {freezes}");

    let (fate, endings) = cost(mode, freezes);
    refresh(survivor);
    if let Fate::Lost(_) = fate {
        stand.clock.advance(SUSPECTS_ARE_CONFIRMED_AFTER);
        refresh(survivor);
    }
    let seen = stand.outcome(survivor, began);
    let since = &seen.endings[expected.endings.len()..];
    assert_eq!((seen.fate, since), (fate, &endings[..]), "{mode:?}, {freezes}");
}

const LONGER_THAN_ORPHANS_ARE_WAITED_FOR: Duration = Duration::from_secs(121);
const SUSPECTS_ARE_CONFIRMED_AFTER: Duration = Duration::from_secs(60);

fn refresh(process: &Process) {
    process.run(async {
        process.replica.beat().await;
        // What it brings stands in the grant.
        let _ = process.replica.broker.refresh_grant(&key(), None).await;
    });
}
