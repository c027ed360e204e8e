//! At start: this replica joins, and what earlier runs on its journal left is settled before anything new is begun.

use std::sync::Arc;

use crate::{Broker, BrokerError};

/// What a start found and settled.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Escrowed answers that became token sets now.
    pub adopted: usize,
    /// Attempts that were provably never sent.
    pub unsent: usize,
    /// Attempts whose outcome nobody knows.
    pub uncertain: usize,
    /// Answers and attempts that could not be settled; they are kept for the next start.
    pub unsettled: usize,
    /// Journal records that could not be read; the files that hold them are kept for a day.
    pub damaged: u64,
}

impl Broker {
    /// Joins the fleet, replays the journal, and settles the attempts that earlier runs on it left open.
    ///
    /// Call it once, before serving. Other replicas may be at work.
    pub async fn recover(self: &Arc<Self>) -> Result<Recovered, BrokerError> {
        self.join().await?;
        // Before anything is judged by this machine's clock, it is compared with the store's.
        self.pulse().await;
        // Before anything is refreshed, it is known what must not be.
        self.look_at_pauses().await;
        let replayed = self.replay().await?;
        let reread = self.reread_unread().await?;
        let orphaned = self.sweep_orphans().await?;
        Ok(Recovered {
            adopted: replayed.adopted + reread,
            unsent: orphaned.unsent,
            uncertain: orphaned.in_doubt,
            unsettled: replayed.unsettled.len() + orphaned.unsettled,
            damaged: replayed.damaged,
        })
    }
}
