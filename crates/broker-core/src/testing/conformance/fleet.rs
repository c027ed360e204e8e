//! Replicas: joining, living, replaying, leaving.

use super::World;
use super::samples::{HOUR, NOW, SECOND, key, record};
use crate::ports::{Epoch, Joined, Pulse, RefreshClaim, Replica};
use crate::{EscrowId, IncarnationId, InstallationId, Timestamp};

/// Another replica, not joined yet.
fn replica(world: &World, escrow: EscrowId, started_at: Timestamp) -> Replica {
    Replica { incarnation: world.incarnation(), escrow, started_at, rejoins: false }
}

impl World {
    /// Joins; what was sent since [`NOW`] is recent.
    async fn join(&self, replica: &Replica) -> Joined {
        self.fleet.join(replica, NOW).await.unwrap()
    }

    /// This replica's heartbeat; the last hour begins at `recent`.
    async fn pulse(&self, recent: Timestamp) -> Pulse {
        self.beat(self.owner, NOW, recent).await
    }

    async fn beat(&self, incarnation: IncarnationId, at: Timestamp, recent: Timestamp) -> Pulse {
        self.fleet.heartbeat(incarnation, at, NOW, recent).await.unwrap()
    }

    /// Whether that replica hears, by a heartbeat, one that may vouch for it.
    async fn hears(&self, replica: &Replica, joined: Joined) -> bool {
        self.beat(replica.incarnation, NOW, NOW).await.others_beat > joined.beat
    }

    /// A grant whose refresh token is sent by that replica and answered.
    async fn rotated_by(&self, owner: IncarnationId, user: &str) {
        self.grant(&key(user)).await;
        let claim = RefreshClaim { owner, ..self.claim_of(&key(user), 1) };
        let attempt = super::steps::granted(self.grants.claim_refresh(&claim).await.unwrap()).attempt;
        self.send_at(&attempt, NOW).await;
        self.adopt_refresh(&attempt).await;
    }
}

pub async fn a_store_is_one_installation_in_one_epoch(world: World) {
    let other = world.join(&replica(&world, world.escrow_id(), NOW)).await;
    let pulse = world.pulse(NOW).await;
    assert_eq!((other.epoch, pulse.epoch), (world.epoch, world.epoch));
    assert_eq!(other.installation, pulse.installation);
}

pub async fn who_joins_hears_those_who_live_and_not_those_who_did(world: World) {
    let [silent, other] = [(); 2].map(|()| replica(&world, world.escrow_id(), NOW + HOUR));
    world.join(&silent).await;
    let joined = world.join(&other).await;
    assert!(!world.hears(&other, joined).await, "whatever the clocks say");
    assert!(!world.hears(&other, joined).await, "itself does not count");
    world.beat(silent.incarnation, NOW - HOUR, NOW).await;
    assert!(world.hears(&other, joined).await);
    let again = world.join(&other).await;
    assert!(!world.hears(&other, again).await, "not since it joined again");
}

pub async fn who_joins_hears_those_who_leave(world: World) {
    let other = replica(&world, world.escrow_id(), NOW);
    let joined = world.join(&other).await;
    world.fleet.leave(world.owner, NOW).await.unwrap();
    assert!(world.hears(&other, joined).await);
}

pub async fn who_joins_learns_whether_its_journal_is_known(world: World) {
    let first = replica(&world, world.escrow_id(), NOW);
    assert!(!world.join(&first).await.escrow_known);
    assert!(!world.join(&first).await.escrow_known, "itself does not count");
    assert!(world.join(&replica(&world, first.escrow, NOW)).await.escrow_known);
    assert!(!world.join(&replica(&world, world.escrow_id(), NOW)).await.escrow_known);
}

pub async fn who_joins_learns_of_rotations_whose_journal_is_not_drained(world: World) {
    let stranger = replica(&world, world.escrow_id(), NOW);
    let undrained = async |since| {
        let newcomer = replica(&world, world.escrow_id(), NOW);
        world.fleet.join(&newcomer, since).await.unwrap().undrained_rotations
    };
    world.join(&stranger).await;
    assert!(!undrained(NOW).await);
    world.rotated_by(stranger.incarnation, "ada").await;
    assert!(undrained(NOW).await);
    assert!(!undrained(NOW + SECOND).await, "it was before");

    world.grant(&key("bob")).await;
    let claim = RefreshClaim { owner: stranger.incarnation, ..world.claim_of(&key("bob"), 1) };
    let open = super::steps::granted(world.grants.claim_refresh(&claim).await.unwrap()).attempt;
    world.send_at(&open, NOW + SECOND * 3).await;
    assert!(undrained(NOW + SECOND * 3).await, "an open attempt counts");
    world.fleet.leave(stranger.incarnation, NOW).await.unwrap();
    assert!(!undrained(NOW).await);
}

pub async fn who_is_unvouched_stays_so_when_it_starts_again(world: World) {
    world.rotated_by(world.owner, "ada").await;
    let stranger = world.escrow_id();
    let start = async || {
        let run = replica(&world, stranger, NOW);
        (run.incarnation, world.join(&run).await.is_unvouched())
    };
    assert!(start().await.1);
    let (run, unvouched) = start().await;
    assert!(unvouched, "its first run knew nothing of the rotation");
    world.fleet.note_vouched(run).await.unwrap();
    assert!(!start().await.1, "somebody has vouched for it");
}

pub async fn the_unvouched_do_not_vouch_for_one_another(world: World) {
    let gone = replica(&world, world.escrow_id(), NOW);
    world.join(&gone).await;
    world.rotated_by(gone.incarnation, "ada").await;
    let [one, two] = [(); 2].map(|()| replica(&world, world.escrow_id(), NOW));
    let joined = [world.join(&one).await, world.join(&two).await];
    assert!(joined.iter().all(Joined::is_unvouched));
    for _ in 0..2 {
        assert!(!world.hears(&one, joined[0]).await && !world.hears(&two, joined[1]).await);
    }
    world.fleet.leave(two.incarnation, NOW).await.unwrap();
    assert!(!world.hears(&one, joined[0]).await);
    let back = replica(&world, gone.escrow, NOW);
    assert!(!world.join(&back).await.is_unvouched(), "its journal is here");
    assert!(world.hears(&one, joined[0]).await);
    world.fleet.note_vouched(two.incarnation).await.unwrap();
    world.beat(two.incarnation, NOW, NOW).await;
    assert!(world.hears(&back, joined[1]).await, "who was vouched for vouches for others");
}

pub async fn a_replica_that_lives_is_not_drained_for_long(world: World) {
    let other = replica(&world, world.escrow_id(), NOW);
    world.join(&other).await;
    world.fleet.adopt_installation(InstallationId::from_bytes([9; 16]), NOW, &record()).await.unwrap();
    assert_eq!(world.beat(other.incarnation, NOW, NOW).await.alive, 1, "this replica was silent since");
    assert_eq!(world.pulse(NOW).await.alive, 2);
}

pub async fn the_run_now_on_a_journal_speaks_for_the_one_before(world: World) {
    let [earlier, later] = [NOW, NOW + HOUR].map(|at| (at, world.incarnation()));
    let escrow = world.escrow_id();
    for (started_at, incarnation) in [earlier, later] {
        world.join(&Replica { incarnation, escrow, started_at, rejoins: false }).await;
    }
    world.grant(&key("ada")).await;
    let claim = RefreshClaim { owner: earlier.1, ..world.claim_of(&key("ada"), 1) };
    world.grants.claim_refresh(&claim).await.unwrap();
    let orphans = world.grants.orphans(world.owner, NOW + SECOND, 10).await.unwrap();
    assert_eq!(orphans[0].owner.last_heartbeat, Some(NOW + HOUR));
}

pub async fn a_heartbeat_keeps_a_replica_alive(world: World) {
    let other = replica(&world, world.escrow_id(), NOW - HOUR);
    world.join(&other).await;
    assert_eq!(world.pulse(NOW).await.alive, 1, "the other is silent");
    assert_eq!(world.beat(other.incarnation, NOW, NOW).await.alive, 2);
    assert_eq!(world.pulse(NOW).await.alive, 2);
    world.fleet.leave(other.incarnation, NOW).await.unwrap();
    assert_eq!(world.pulse(NOW).await.alive, 1);
}

pub async fn a_heartbeat_of_a_replica_the_store_has_forgotten_says_so(world: World) {
    assert!(!world.pulse(NOW).await.unknown);
    let forgotten = replica(&world, world.escrow_id(), NOW);
    assert!(world.beat(forgotten.incarnation, NOW, NOW).await.unknown);
    world.join(&forgotten).await;
    assert!(!world.beat(forgotten.incarnation, NOW, NOW).await.unknown);
}

pub async fn journals_replayed_in_another_epoch_are_waited_for(world: World) {
    let other = replica(&world, world.escrow_id(), NOW);
    world.join(&other).await;
    assert_eq!(world.pulse(NOW).await.replays_pending, 0, "a new journal has nothing to replay");
    let earlier = Epoch(world.epoch.0 - 1);
    world.fleet.note_replayed(other.incarnation, earlier, NOW).await.unwrap();
    assert_eq!(world.pulse(NOW).await.replays_pending, 1);
    assert_eq!(world.pulse(NOW + SECOND).await.replays_pending, 0, "it was not heard of of late");
    world.fleet.note_replayed(other.incarnation, world.epoch, NOW).await.unwrap();
    assert_eq!(world.pulse(NOW).await.replays_pending, 0);
}

pub async fn a_later_run_replays_for_the_earlier_one(world: World) {
    let first = replica(&world, world.escrow_id(), NOW);
    world.join(&first).await;
    world.fleet.note_replayed(first.incarnation, Epoch(world.epoch.0 - 1), NOW).await.unwrap();
    let second = replica(&world, first.escrow, NOW + SECOND);
    world.join(&second).await;
    assert_eq!(world.pulse(NOW).await.replays_pending, 1, "two runs, one journal");
    world.fleet.note_replayed(second.incarnation, world.epoch, NOW + SECOND).await.unwrap();
    assert_eq!(world.pulse(NOW).await.replays_pending, 0);
}

pub async fn the_journal_of_who_joins_again_is_waited_for(world: World) {
    let forgotten = Replica { rejoins: true, ..replica(&world, world.escrow_id(), NOW) };
    world.join(&forgotten).await;
    assert_eq!(world.pulse(NOW).await.replays_pending, 1);
    let restarted = replica(&world, forgotten.escrow, NOW);
    world.join(&restarted).await;
    assert_eq!(world.pulse(NOW).await.replays_pending, 1, "a later run has not replayed it either");
    world.fleet.note_replayed(restarted.incarnation, world.epoch, NOW).await.unwrap();
    assert_eq!(world.pulse(NOW).await.replays_pending, 0);
}

pub async fn who_left_in_order_is_not_waited_for(world: World) {
    let other = replica(&world, world.escrow_id(), NOW);
    world.join(&other).await;
    world.fleet.note_replayed(other.incarnation, Epoch(world.epoch.0 - 1), NOW).await.unwrap();
    world.fleet.leave(other.incarnation, NOW).await.unwrap();
    assert_eq!(world.pulse(NOW).await.replays_pending, 0);
}

pub async fn a_replay_drains_earlier_runs_on_the_same_journal_only(world: World) {
    let shared = world.escrow_id();
    let [earlier, later] = [NOW, NOW + SECOND].map(|at| replica(&world, shared, at));
    let elsewhere = replica(&world, world.escrow_id(), NOW);
    for (joining, user) in [(&earlier, "ada"), (&elsewhere, "bob"), (&later, "cy")] {
        world.join(joining).await;
        world.grant(&key(user)).await;
        let claim = RefreshClaim { owner: joining.incarnation, ..world.claim_of(&key(user), 1) };
        world.grants.claim_refresh(&claim).await.unwrap();
    }
    let orphans = async || {
        let orphans = world.grants.orphans(world.owner, NOW, 10).await.unwrap();
        orphans.into_iter().map(|o| o.attempt.key.user.as_str().to_owned()).collect::<Vec<_>>()
    };
    world.fleet.note_replayed(earlier.incarnation, world.epoch, NOW).await.unwrap();
    assert_eq!(orphans().await, [""; 0], "a late word of the earlier run drains nobody");
    world.fleet.note_replayed(later.incarnation, world.epoch, NOW).await.unwrap();
    assert_eq!(orphans().await, ["ada"]);
}

pub async fn a_store_declared_the_only_copy_gets_an_id_and_waits_for_nobody(world: World) {
    let gone = replica(&world, world.escrow_id(), NOW);
    world.join(&gone).await;
    world.rotated_by(gone.incarnation, "ada").await;
    let stranger = replica(&world, world.escrow_id(), NOW);
    assert!(world.join(&stranger).await.is_unvouched());
    let new = InstallationId::from_bytes([9; 16]);
    world.fleet.adopt_installation(new, NOW, &record()).await.unwrap();
    assert_eq!(world.pulse(NOW).await.installation, new);
    let joined = world.join(&replica(&world, world.escrow_id(), NOW)).await;
    assert_eq!((joined.installation, joined.undrained_rotations), (new, false));
    assert!(world.join(&replica(&world, stranger.escrow, NOW)).await.escrow_known, "nobody is unvouched");
}

pub async fn drained_replicas_are_forgotten_once_they_own_nothing_open(world: World) {
    let [idle, busy, alive] = [(); 3].map(|()| replica(&world, world.escrow_id(), NOW));
    for joining in [&idle, &busy, &alive] {
        world.join(joining).await;
    }
    world.grant(&key("ada")).await;
    let claim = RefreshClaim { owner: busy.incarnation, ..world.claim_of(&key("ada"), 1) };
    let open = super::steps::granted(world.grants.claim_refresh(&claim).await.unwrap()).attempt;
    for leaving in [&idle, &busy] {
        world.fleet.leave(leaving.incarnation, NOW).await.unwrap();
    }
    let forget = async |before| world.fleet.forget_replicas(before).await.unwrap();
    assert_eq!(forget(NOW).await, 0, "they left just now");
    assert_eq!(forget(NOW + HOUR).await, 1);
    assert!(world.beat(idle.incarnation, NOW, NOW).await.unknown);
    world.close(&open, None).await;
    assert_eq!(forget(NOW + HOUR).await, 1);
    assert!(!world.beat(alive.incarnation, NOW, NOW).await.unknown);
}
