//! Answers that could not be read when they came.

use broker_crypto::Sealed;

use super::World;
use super::samples::{HOUR, NOW, SECOND, after, key};
use super::steps::adopted;
use crate::ports::{AttemptEnd, EscrowRecord};
use crate::{Attempt, Phase, Timestamp};

impl World {
    /// Presents a grant's token, and closes the attempt with an answer nobody can read.
    async fn unread(&self, user: &str, received_at: Timestamp) -> EscrowRecord {
        self.grant(&key(user)).await;
        let mut attempt = self.claim(&key(user), 1).await.attempt;
        self.send(&attempt).await;
        attempt = self.kept(&attempt).await;
        let answer = answer(&attempt, user, received_at);
        let end = AttemptEnd {
            conclusion: "unreadable",
            unread: Some(answer.clone()),
            ..self.end_of(&attempt, Some(after(Phase::Uncertain, true)))
        };
        assert!(self.grants.close_attempt(&end).await.unwrap());
        answer
    }

    async fn unread_of(&self, limit: u32) -> Vec<String> {
        let answers = self.grants.unread_answers(limit).await.unwrap();
        answers.into_iter().map(|answer| answer.attempt.key.user.as_str().to_owned()).collect()
    }
}

fn answer(attempt: &Attempt, body: &str, received_at: Timestamp) -> EscrowRecord {
    EscrowRecord {
        attempt: attempt.clone(),
        status: 502,
        received_at,
        body: Sealed::from_bytes(body.as_bytes().to_vec()),
    }
}

pub async fn an_answer_is_kept_whole_and_where_it_was_sealed(world: World) {
    let given = world.unread("ada", NOW + SECOND).await;
    let kept = world.grants.unread_answers(10).await.unwrap().remove(0);
    assert_eq!((kept.status, kept.received_at), (given.status, given.received_at));
    assert_eq!(kept.body.as_bytes(), given.body.as_bytes());
    assert_eq!((kept.attempt.id, &kept.attempt.key), (given.attempt.id, &given.attempt.key));
    assert_eq!(kept.attempt.sent_at, Some(NOW));
    let place =
        |answer: &EscrowRecord| EscrowRecord::owner(&answer.attempt, answer.status, answer.received_at);
    assert_eq!(place(&kept), place(&given), "the seal covers the place");
}

pub async fn the_oldest_come_first(world: World) {
    for (user, seconds) in [("ada", 2), ("bob", 1), ("cy", 3)] {
        world.unread(user, NOW + SECOND * seconds).await;
    }
    assert_eq!(world.unread_of(10).await, ["bob", "ada", "cy"]);
    assert_eq!(world.unread_of(2).await, ["bob", "ada"]);
    assert_eq!(world.unread_of(0).await, [""; 0]);
}

pub async fn an_answer_that_was_adopted_is_unread_no_more(world: World) {
    let read_at_last = world.unread("ada", NOW).await;
    world.unread("bob", NOW).await;
    assert_eq!(world.adopt_refresh(&read_at_last.attempt).await, adopted(2));
    assert_eq!(world.unread_of(10).await, ["bob"]);
}

pub async fn an_attempt_that_was_closed_before_keeps_no_answer(world: World) {
    world.grant(&key("ada")).await;
    let closed = world.lose(&key("ada"), 1).await;
    let end = AttemptEnd { unread: Some(answer(&closed, "late", NOW)), ..world.end_of(&closed, None) };
    assert!(!world.grants.close_attempt(&end).await.unwrap());
    assert_eq!(world.unread_of(10).await, [""; 0]);
}

pub async fn answers_are_deleted_with_their_attempts(world: World) {
    world.unread("ada", NOW).await;
    // Its consent made the present token set and stays.
    assert_eq!(world.grants.prune_attempts(NOW + HOUR, 10).await.unwrap(), 1);
    assert_eq!(world.unread_of(10).await, [""; 0]);
}
