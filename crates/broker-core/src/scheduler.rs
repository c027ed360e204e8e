//! Refreshing grants that are due, before anyone asks.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::DueGrant;
use crate::rotation::Rotated;
use crate::{Broker, BrokerError};

impl Broker {
    /// Looks for due grants every tick and rotates them, until `stop`. Every replica may run one.
    pub async fn run_scheduler(self: Arc<Self>, stop: CancellationToken) {
        let slots = Arc::new(Semaphore::new(self.timing.max_in_flight));
        loop {
            if let Err(error) = self.tick(&slots).await {
                tracing::error!(error = chain(&error), "the scheduler could not read what is due");
            }
            let next = self.clock.now() + self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Starts what is due, as far as slots are free. Work is proportional to what is due.
    async fn tick(self: &Arc<Self>, slots: &Arc<Semaphore>) -> Result<(), BrokerError> {
        let free = u32::try_from(slots.available_permits()).unwrap_or(u32::MAX);
        if free == 0 {
            return Ok(());
        }
        for due in self.grants.due_grants(self.clock.now(), free).await? {
            let Ok(slot) = Arc::clone(slots).try_acquire_owned() else { return Ok(()) };
            self.refresh_due(due, slot);
        }
        Ok(())
    }

    fn refresh_due(self: &Arc<Self>, due: DueGrant, slot: tokio::sync::OwnedSemaphorePermit) {
        let mut flight = self.start_rotation(&due.key, due.generation);
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            let rotated = flight.landed().await;
            if matches!(rotated, Rotated::Failed(_) | Rotated::StillRunning | Rotated::Unchanged) {
                broker.postpone(&due).await;
            }
            drop(slot);
        });
    }

    /// Without a claim nothing has moved the due time. Left as it is, a handful of grants that cannot be claimed would
    /// fill every tick and starve all others.
    async fn postpone(&self, due: &DueGrant) {
        let until = self.clock.now() + self.timing.lease_ttl;
        if let Err(error) = self.grants.postpone(&due.key, due.generation, until).await {
            tracing::error!(grant = %due.key.grant_id(), error = chain(&error), "a grant could not be postponed");
        }
    }
}
