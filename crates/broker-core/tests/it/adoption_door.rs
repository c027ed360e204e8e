//! A door that adoptions pass through: it counts them, and can be shut.

use std::sync::Mutex;

use broker_core::ports::Adoption;
use broker_core::{Generation, UserId};
use tokio::sync::watch;

/// Whose adoption, of the answer to a presentation of which generation.
pub(crate) type Asked = (UserId, Generation);

pub(crate) struct AdoptionDoor {
    open: watch::Sender<bool>,
    waiting: watch::Sender<Vec<Asked>>,
    passed: Mutex<Vec<Asked>>,
}

impl AdoptionDoor {
    pub(crate) fn new() -> Self {
        Self { open: watch::Sender::new(true), waiting: watch::Sender::new(vec![]), passed: Mutex::default() }
    }

    pub(crate) fn shut(&self) {
        self.open.send_replace(false);
        self.passed.lock().unwrap().clear();
    }

    pub(crate) fn open(&self) {
        self.open.send_replace(true);
    }

    pub(super) async fn pass(&self, adoption: &Adoption) {
        let asked = (adoption.attempt.key.user.clone(), adoption.attempt.generation);
        self.waiting.send_modify(|waiting| waiting.push(asked.clone()));
        self.open.subscribe().wait_for(|open| *open).await.unwrap();
        self.waiting.send_modify(|waiting| waiting.retain(|other| *other != asked));
        self.passed.lock().unwrap().push(asked);
    }

    /// Those before the door, once there are so many.
    pub(crate) async fn waiting(&self, at_least: usize) -> Vec<Asked> {
        self.waiting.subscribe().wait_for(|waiting| waiting.len() >= at_least).await.unwrap().clone()
    }

    /// Those that have passed since the door was shut, in their order.
    pub(crate) fn passed(&self) -> Vec<Asked> {
        self.passed.lock().unwrap().clone()
    }
}
