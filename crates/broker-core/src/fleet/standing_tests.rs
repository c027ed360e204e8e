use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
const SKEW: Duration = Duration::from_secs(2);
const LISTENS: Duration = Duration::from_secs(8);

fn installation(byte: u8) -> InstallationId {
    InstallationId::from_bytes([byte; 16])
}

fn joined() -> Joined {
    Joined {
        installation: installation(1),
        epoch: Epoch(7),
        beat: 40,
        escrow_known: true,
        undrained_rotations: false,
    }
}

fn pulse() -> Pulse {
    Pulse {
        store_time: NOW,
        epoch: Epoch(7),
        installation: installation(1),
        alive: 1,
        others_beat: 0,
        replays_pending: 0,
        unknown: false,
    }
}

fn after_joining(expected: Option<InstallationId>, joined: Joined) -> FleetStanding {
    let standing = FleetStanding::new(expected);
    assert_eq!(standing.barred(), Some(Barred::NotJoined));
    standing.join(&joined, NOW + LISTENS);
    standing
}

#[test]
fn a_replica_that_finds_its_own_store_claims() {
    assert_eq!(after_joining(None, joined()).barred(), None);
    assert_eq!(after_joining(Some(installation(1)), joined()).barred(), None);
}

#[test]
fn a_store_that_is_not_the_configured_one_is_not_rotated() {
    let standing = after_joining(Some(installation(2)), joined());
    assert_eq!(standing.barred(), Some(Barred::ForeignStore));
    standing.beat(&pulse(), NOW, SKEW);
    assert!(!standing.takes_replay());
    standing.beat(&Pulse { installation: installation(2), ..pulse() }, NOW, SKEW);
    assert_eq!(standing.barred(), None, "adopted under the configured id");
    assert!(standing.takes_replay(), "its journal is of this store after all");
}

/// Recent rotations, and a journal that knows nothing of them.
fn stranger() -> FleetStanding {
    after_joining(None, Joined { undrained_rotations: true, escrow_known: false, ..joined() })
}

/// A heartbeat after so many seconds, when another replica was last heard with that number.
fn beat_after(standing: &FleetStanding, seconds: u64, others_beat: u64) -> Option<Barred> {
    let store_time = NOW + Duration::from_secs(seconds);
    let pulse = Pulse { store_time, others_beat, ..pulse() };
    standing.beat(&pulse, store_time, SKEW);
    if standing.hears(&pulse) {
        standing.vouched();
    }
    standing.barred()
}

#[test]
fn recent_rotations_without_their_journals_are_a_clone_until_adopted() {
    let standing = stranger();
    assert_eq!(standing.barred(), Some(Barred::Unvouched));
    assert_eq!(beat_after(&standing, 7, 40), Some(Barred::Unvouched), "its heartbeat was copied");
    assert_eq!(beat_after(&standing, 8, 40), Some(Barred::NoJournal));
    assert_eq!(beat_after(&standing, 9, 41), Some(Barred::NoJournal), "too late");
    standing.beat(&Pulse { installation: installation(9), ..pulse() }, NOW, SKEW);
    assert_eq!(standing.barred(), None);
    let known = Joined { undrained_rotations: true, ..joined() };
    assert_eq!(after_joining(None, known).barred(), None, "its own journal is here");
}

#[test]
fn a_replica_that_hears_another_is_vouched_for() {
    let standing = stranger();
    assert_eq!(beat_after(&standing, 2, 41), None);
    assert_eq!(beat_after(&standing, 9, 41), None, "once is enough");
    let late = stranger();
    assert_eq!(beat_after(&late, 60, 41), None, "nobody came between");
    let foreign = after_joining(Some(installation(2)), Joined { undrained_rotations: true, ..joined() });
    assert_eq!(beat_after(&foreign, 2, 41), Some(Barred::ForeignStore));
}

#[test]
fn adopting_the_store_frees_a_replica_that_listens() {
    let standing = stranger();
    standing.beat(&Pulse { installation: installation(9), ..pulse() }, NOW, SKEW);
    assert_eq!(standing.barred(), None);
}

#[test]
fn while_the_store_is_away_nobody_can_be_heard() {
    let standing = stranger();
    standing.heard_nothing(NOW + LISTENS + LISTENS);
    assert_eq!(beat_after(&standing, 15, 40), Some(Barred::Unvouched));
    assert_eq!(beat_after(&standing, 16, 40), Some(Barred::NoJournal));
}

#[test]
fn a_replica_the_store_has_forgotten_is_barred_until_it_has_replayed_its_journal() {
    let standing = after_joining(None, joined());
    standing.beat(&Pulse { unknown: true, ..pulse() }, NOW, SKEW);
    assert_eq!(standing.barred(), Some(Barred::Replaying));
    assert!(standing.takes_replay());
}

#[test]
fn a_clock_too_far_from_the_stores_bars_in_either_direction() {
    let standing = after_joining(None, joined());
    for (seconds, barred) in [(3, true), (2, false)] {
        let off = Duration::from_secs(seconds);
        for store_time in [NOW + off, NOW - off] {
            standing.beat(&Pulse { store_time, ..pulse() }, NOW, SKEW);
            assert_eq!(standing.barred() == Some(Barred::ClockSkew), barred, "{seconds}");
        }
    }
}

#[test]
fn another_epoch_bars_until_every_journal_was_replayed() {
    let standing = after_joining(None, joined());
    standing.beat(&Pulse { epoch: Epoch(8), replays_pending: 3, ..pulse() }, NOW, SKEW);
    assert_eq!(standing.barred(), Some(Barred::Replaying));
    assert!(standing.takes_replay() && !standing.takes_replay(), "told once");
    standing.beat(&Pulse { epoch: Epoch(8), replays_pending: 1, ..pulse() }, NOW, SKEW);
    assert!(!standing.takes_replay());
    assert_eq!(standing.barred(), Some(Barred::Replaying), "another replica's journal is missing");
    standing.replayed(Epoch(8));
    standing.beat(&Pulse { epoch: Epoch(8), ..pulse() }, NOW, SKEW);
    assert_eq!((standing.barred(), standing.epoch()), (None, Epoch(8)));
}

#[test]
fn a_replica_that_was_forgotten_claims_nothing_until_it_has_replayed_its_journal() {
    let standing = after_joining(None, joined());
    let forgotten = Pulse { epoch: Epoch(8), unknown: true, ..pulse() };
    standing.join(&Joined { epoch: Epoch(8), ..joined() }, NOW + LISTENS);
    assert_eq!(standing.barred(), Some(Barred::Replaying), "before the heartbeat is taken in");
    standing.beat(&forgotten, NOW, SKEW);
    assert!(standing.takes_replay());
    let next = Pulse { epoch: Epoch(8), ..pulse() };
    standing.beat(&next, NOW, SKEW);
    assert_eq!(standing.barred(), Some(Barred::Replaying), "the store takes its journal for a new one");
    standing.replayed(Epoch(7));
    standing.beat(&next, NOW, SKEW);
    assert_eq!(standing.barred(), Some(Barred::Replaying), "that replay began before");
    standing.replayed(Epoch(8));
    standing.beat(&next, NOW, SKEW);
    assert_eq!(standing.barred(), None);
}
