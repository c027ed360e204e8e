//! Publishes what is announced, in its own task: nobody waits for it.

use std::sync::Arc;

use broker_core::ports::{CoordinationHealth, Wakeup};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::keys;
use crate::link::Link;
use crate::message::{Origin, encode};

/// How many announcements may wait; more are lost.
pub(crate) const BACKLOG: usize = 1024;
/// How many are published in one round trip.
const BATCH: usize = 64;

pub(crate) struct Announcer {
    pub(crate) link: Arc<Link>,
    pub(crate) origin: Origin,
    pub(crate) health: Arc<CoordinationHealth>,
    pub(crate) queue: mpsc::Receiver<Wakeup>,
}

impl Announcer {
    /// Publishes until `stop`, and then what still waits.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            tokio::select! {
                () = stop.cancelled(), if !self.queue.is_closed() => self.queue.close(),
                taken = self.queue.recv_many(&mut batch, BATCH) => match taken {
                    0 => return,
                    _ => self.publish(&batch).await,
                },
            }
            batch.clear();
        }
    }

    async fn publish(&self, batch: &[Wakeup]) {
        let mut pipe = redis::pipe();
        for wakeup in batch {
            pipe.cmd("PUBLISH").arg(keys::WAKEUPS).arg(encode(&self.origin, wakeup)).ignore();
        }
        if self.link.run(async |mut redis| pipe.exec_async(&mut redis).await).await.is_err() {
            batch.iter().for_each(|_| self.health.count_lost_wakeup());
        }
    }
}
