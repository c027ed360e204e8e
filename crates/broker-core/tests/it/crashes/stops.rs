//! Where a process can be made to stop, and go on no more until it is thawed.

use std::sync::Mutex;

use tokio::sync::watch;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Before the lease is asked for.
    Lease,
    /// With the lease, before the claim.
    Claim,
    /// The claim is committed.
    Claimed,
    /// SENT is committed, and not one byte written.
    Sent,
    /// The provider has done what it was asked, and its answer is on the way.
    Answered,
    /// The answer is in memory, before it is escrowed.
    Escrow,
    /// The answer is escrowed.
    Escrowed,
    /// Before the answer is adopted.
    Adopt,
    /// Before the journal is replayed.
    Replay,
    /// The adoption is committed, and nobody was told.
    Adopted,
    /// Everything is done but giving the lease back.
    Release,
}

/// One stop at a time, taken by whoever comes there first.
pub(crate) struct Stops {
    armed: Mutex<Option<Stop>>,
    reached: watch::Sender<bool>,
    thawed: watch::Sender<bool>,
}

impl Stops {
    pub(crate) fn new() -> Self {
        Self {
            armed: Mutex::default(),
            reached: watch::Sender::new(false),
            thawed: watch::Sender::new(false),
        }
    }

    pub(crate) fn arm(&self, stop: Stop) {
        *self.armed.lock().unwrap() = Some(stop);
        self.reached.send_replace(false);
        self.thawed.send_replace(false);
    }

    /// Stays here if this is the stop that is armed.
    pub(crate) async fn at(&self, stop: Stop) {
        let taken = self.armed.lock().unwrap().take_if(|armed| *armed == stop).is_some();
        if taken {
            self.reached.send_replace(true);
            self.thawed.subscribe().wait_for(|thawed| *thawed).await.unwrap();
        }
    }

    pub(crate) async fn reached(&self) {
        self.reached.subscribe().wait_for(|reached| *reached).await.unwrap();
    }

    /// Whoever stopped goes on, if it is run before the next stop is armed.
    pub(crate) fn thaw(&self) {
        self.thawed.send_replace(true);
    }
}
