//! Deleting old attempts.

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key};
use crate::ports::{AdoptOutcome, AttemptEnd};
use crate::{Attempt, Generation, Phase};

impl World {
    async fn is_kept(&self, attempt: &Attempt) -> bool {
        self.grants.attempt(&attempt.key.tenant, attempt.id).await.unwrap().is_some()
    }
}

pub async fn the_oldest_closed_attempts_go_first_and_few_at_a_time(world: World) {
    world.grant(&key("ada")).await;
    let mut closed = Vec::new();
    for seconds in [3, 1, 2] {
        let attempt = world.claim(&key("ada"), 1).await.attempt;
        let end = AttemptEnd {
            at: NOW + SECOND * seconds,
            ..world.end_of(&attempt, Some(after(Phase::Idle, false)))
        };
        world.grants.close_attempt(&end).await.unwrap();
        closed.push(attempt);
    }
    assert_eq!(world.grants.prune_attempts(NOW + SECOND, 10).await.unwrap(), 0, "none is older than that");
    assert_eq!(world.grants.prune_attempts(NOW + HOUR, 1).await.unwrap(), 1);
    let kept = async |n: usize| world.is_kept(&closed[n]).await;
    assert_eq!([kept(0).await, kept(1).await, kept(2).await], [true, false, true]);
    assert_eq!(world.grants.prune_attempts(NOW + SECOND * 3, 10).await.unwrap(), 1);
    assert_eq!([kept(0).await, kept(2).await], [true, false]);
}

pub async fn an_open_attempt_is_kept(world: World) {
    world.grant(&key("ada")).await;
    let open = world.claim(&key("ada"), 1).await.attempt;
    world.grants.prune_attempts(NOW + 999 * HOUR, 10).await.unwrap();
    assert!(world.is_kept(&open).await);
    world.send(&open).await;
    world.grants.prune_attempts(NOW + 999 * HOUR, 10).await.unwrap();
    assert_eq!(world.adopt_refresh(&open).await, AdoptOutcome::Adopted(Generation::new(2)));
}

pub async fn what_the_present_token_set_came_from_is_kept(world: World) {
    let (consent, authorization) = world.exchange(&key("ada")).await;
    world.adopt_new(&(consent.clone(), authorization), 0).await;
    let first = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.grants.prune_attempts(NOW + HOUR, 10).await.unwrap(), 0);
    world.adopt_refresh(&first).await;
    assert_eq!(world.grants.prune_attempts(NOW + HOUR, 10).await.unwrap(), 1);
    assert_eq!([world.is_kept(&consent).await, world.is_kept(&first).await], [false, true]);
    assert_eq!(world.adopt_refresh(&first).await, AdoptOutcome::AlreadyAdopted(Generation::new(2)));
}

pub async fn a_late_answer_of_a_deleted_attempt_is_judged_all_the_same(world: World) {
    world.grant(&key("ada")).await;
    let lost = world.lose(&key("ada"), 1).await;
    assert_eq!(world.grants.prune_attempts(NOW + HOUR, 10).await.unwrap(), 1);
    assert_eq!(world.adopt_refresh(&lost).await, AdoptOutcome::Adopted(Generation::new(2)));
    assert!(world.is_kept(&lost).await);
}
