//! Open attempts whose owners are gone.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key};
use crate::ports::{ExchangeClaim, Orphan, OwnerFate, RefreshClaim, Replica};
use crate::{Attempt, EscrowId, IncarnationId, Phase, Timestamp};

impl World {
    /// Another replica that joins at `at`.
    async fn joins(&self, escrow: EscrowId, at: Timestamp) -> IncarnationId {
        let incarnation = self.incarnation();
        let replica = Replica { incarnation, escrow, started_at: at, rejoins: false };
        self.fleet.join(&replica, at).await.unwrap();
        incarnation
    }

    /// An open refresh of a new grant, by that owner.
    async fn claimed_by(&self, owner: IncarnationId, user: &str, at: Timestamp) -> Attempt {
        self.grant(&key(user)).await;
        let claim = RefreshClaim { owner, at, ..self.claim_of(&key(user), 1) };
        super::steps::granted(self.grants.claim_refresh(&claim).await.unwrap()).attempt
    }

    /// The orphans as this replica sees them: an owner not heard of since [`NOW`] is gone.
    async fn orphans(&self, limit: u32) -> Vec<Orphan> {
        self.grants.orphans(self.owner, NOW, limit).await.unwrap()
    }
}

pub async fn an_open_attempt_of_a_silent_replica_is_an_orphan(world: World) {
    let escrow = world.escrow_id();
    let silent = world.joins(escrow, NOW - HOUR).await;
    let attempt = world.claimed_by(silent, "ada", NOW).await;
    let owner = OwnerFate { escrow: Some(escrow), last_heartbeat: Some(NOW - HOUR), drained_at: None };
    assert_eq!(world.orphans(10).await, [Orphan { attempt: attempt.clone(), first_sent_at: None, owner }]);
    world.fleet.heartbeat(silent, NOW, NOW, NOW).await.unwrap();
    assert_eq!(world.orphans(10).await, [], "it was heard of just now");
    world.close(&attempt, None).await;
    assert_eq!(world.grants.orphans(world.owner, NOW + HOUR, 10).await.unwrap(), [], "it is closed");
}

pub async fn an_open_attempt_of_a_drained_replica_is_an_orphan_at_once(world: World) {
    let escrow = world.escrow_id();
    let first_run = world.joins(escrow, NOW).await;
    world.claimed_by(first_run, "ada", NOW).await;
    let second_run = world.joins(escrow, NOW + SECOND).await;
    assert_eq!(world.orphans(10).await, [], "its journal may hold the answer");
    world.fleet.note_replayed(second_run, world.epoch, NOW + SECOND).await.unwrap();
    let fates: Vec<_> = world.orphans(10).await.into_iter().map(|orphan| orphan.owner).collect();
    let drained_at = Some(NOW + SECOND);
    assert_eq!(fates, [OwnerFate { escrow: Some(escrow), last_heartbeat: Some(NOW + SECOND), drained_at }]);
}

pub async fn an_open_attempt_of_an_owner_who_never_joined_is_an_orphan(world: World) {
    world.claimed_by(world.incarnation(), "ada", NOW).await;
    let nobody = OwnerFate { escrow: None, last_heartbeat: None, drained_at: None };
    assert_eq!(world.orphans(10).await[0].owner, nobody);
}

pub async fn a_replica_finds_no_orphans_among_its_own_attempts(world: World) {
    world.grant(&key("ada")).await;
    world.claim(&key("ada"), 1).await;
    assert_eq!(world.grants.orphans(world.owner, NOW + HOUR, 10).await.unwrap(), []);
    world.fleet.leave(world.owner, NOW).await.unwrap();
    assert_eq!(world.orphans(10).await, []);
}

pub async fn an_open_exchange_is_an_orphan_too(world: World) {
    let authorization = world.authorization(&key("ada")).await;
    let claim = ExchangeClaim { owner: world.incarnation(), ..world.exchange_of(&authorization) };
    let attempt = world.grants.claim_exchange(&claim).await.unwrap().attempt().unwrap();
    assert_eq!(world.orphans(10).await[0].attempt, attempt);
}

pub async fn the_oldest_orphans_come_first(world: World) {
    let gone = world.joins(world.escrow_id(), NOW - HOUR).await;
    for (user, seconds) in [("ada", 2), ("bob", 1), ("cy", 3)] {
        world.claimed_by(gone, user, NOW + SECOND * seconds).await;
    }
    let users = async |limit| {
        let orphans = world.orphans(limit).await;
        orphans.into_iter().map(|o| o.attempt.key.user.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(users(10).await, ["bob", "ada", "cy"]);
    assert_eq!(users(2).await, ["bob", "ada"]);
}

pub async fn an_orphan_tells_when_its_token_was_first_sent_by_whomever(world: World) {
    world.grant(&key("ada")).await;
    world.lose(&key("ada"), 1).await;
    let gone = world.joins(world.escrow_id(), NOW - HOUR).await;
    let claim = RefreshClaim { owner: gone, ..world.claim_of(&key("ada"), 1) };
    let again = super::steps::granted(world.grants.claim_refresh(&claim).await.unwrap()).attempt;
    world.send_at(&again, NOW + SECOND).await;
    let orphan = world.orphans(10).await.remove(0);
    assert_eq!((orphan.first_sent_at, orphan.attempt.sent_at), (Some(NOW), Some(NOW + SECOND)));

    world.adopt_refresh(&again).await;
    let claim = RefreshClaim { owner: gone, ..world.claim_of(&key("ada"), 2) };
    world.grants.claim_refresh(&claim).await.unwrap();
    assert_eq!(world.orphans(10).await[0].first_sent_at, None, "that is another token");
    let own = world.orphans(10).await.remove(0).attempt;
    assert!(world.close(&own, Some(after(Phase::Idle, false))).await);
}
