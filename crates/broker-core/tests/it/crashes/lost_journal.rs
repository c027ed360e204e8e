//! C6n: escrowed and not committed, and the machine is gone with its journal. Another replica recovers without it.

use broker_core::{Clock, ConsentCause};

use super::in_every_mode;
use super::modes::Mode;
use super::outcome::{Fate, Line, Outcome};
use super::stand::{Shelf, Stand};
use super::stops::Stop;

/// Without the journal the answer counts as lost 8 s (it is dead) and 600 s (its journal is waited for) after its
/// owner's last heartbeat, with one crash and with two.
fn expected(mode: Mode) -> [Line; 2] {
    use Fate::{Kept, Lost};
    const LOST: Fate = Lost(ConsentCause::LostRotation);
    match mode {
        Mode::RevokeFamily => [
            (LOST, 2, 608, &["uncertain", "lost_rotation"]),
            (LOST, 3, 1216, &["uncertain", "uncertain", "lost_rotation"]),
        ],
        Mode::Reject => [
            (LOST, 2, 613, &["uncertain", "lost_rotation"]),
            (LOST, 3, 1231, &["uncertain", "uncertain", "lost_rotation"]),
        ],
        // The dead are found out after 8 s, and the grace lasts.
        Mode::Grace => [
            (Kept(2), 2, 9, &["uncertain", "adopted"]),
            (Kept(2), 3, 28, &["uncertain", "uncertain", "adopted"]),
        ],
        Mode::Reusable => [
            (Kept(2), 2, 18, &["uncertain", "adopted"]),
            (Kept(2), 3, 36, &["uncertain", "uncertain", "adopted"]),
        ],
    }
}

/// Replicas on one store, each on a journal of its own; those that crash never come back.
fn lose_journals<S: Shelf>(mode: Mode, crashes: usize) -> Outcome {
    let mut stand = Stand::<S>::new(mode);
    let first = stand.consented();
    let fleet = [stand.start_beside(&first, "b"), stand.start_beside(&first, "c")];
    let began = stand.clock.now();
    let mut fleet = std::iter::once(&first).chain(&fleet);
    for dying in fleet.by_ref().take(crashes) {
        stand.stops.arm(Stop::Escrowed);
        stand.crash(dying);
        stand.ledger.forget_replaced();
    }
    let survivor = fleet.next().unwrap();
    stand.settle(survivor);
    let outcome = stand.outcome(survivor, began);
    stand.lives_on(survivor, outcome.fate);
    assert_eq!(stand.ledger.double_spends(), 0, "{mode:?}");
    outcome
}

pub(crate) fn check<S: Shelf>() {
    in_every_mode(|mode, crashes| {
        let expected = Outcome::from(expected(mode)[crashes - 1]);
        assert_eq!(lose_journals::<S>(mode, crashes), expected, "{mode:?}, {crashes}");
    });
}
