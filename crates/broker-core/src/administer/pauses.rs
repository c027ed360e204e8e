//! Pausing and resuming the refreshing of a tenant or at a provider.

use std::time::Duration;

use crate::error::chain;
use crate::ports::{PauseTarget, RefreshPause, StoreError};
use crate::{Actor, AuditRecord, Broker, BrokerError, Principal, Timestamp, Timing};

impl Broker {
    /// Pauses the refreshing of a target for `span`, in place of an earlier pause of it. This replica obeys at once, the
    /// others within a second or two; rotations under way go on. Tokens that live are served all the while.
    pub async fn pause_refresh(
        &self,
        target: PauseTarget,
        span: Duration,
        note: String,
        principal: Principal,
        by: &Actor,
    ) -> Result<RefreshPause, BrokerError> {
        match &target {
            PauseTarget::Tenant(tenant) => drop(self.tenant(tenant).await?),
            PauseTarget::Provider(provider) => drop(self.provider(provider)?.clone()),
        }
        let now = self.clock.now();
        let pause = RefreshPause { target, expires_at: now + span, principal, note, created_at: now };
        self.scheduler.pause_refresh(&pause, &pause_record(&pause.target, by, now)).await?;
        self.read_pauses().await?;
        Ok(pause)
    }

    /// Ends a pause, and closes the fleet breaker of a provider. Answers whether there was either.
    pub async fn resume_refresh(&self, target: &PauseTarget, by: &Actor) -> Result<bool, BrokerError> {
        let breaker_was_open = match target {
            PauseTarget::Tenant(_) => false,
            PauseTarget::Provider(provider) => {
                self.provider(provider)?;
                self.close_breaker(provider, by).await?
            }
        };
        let now = self.clock.now();
        let record = pause_record(target, by, now);
        let was_paused = self.scheduler.resume_refresh(target, now, &record).await?;
        self.read_pauses().await?;
        Ok(was_paused || breaker_was_open)
    }

    /// Learns what is paused. While the store is away what was learnt last holds.
    pub(crate) async fn look_at_pauses(&self) {
        if let Err(error) = self.read_pauses().await {
            tracing::warn!(error = chain(&error), "it could not be read what operators have paused");
        }
    }

    async fn read_pauses(&self) -> Result<(), StoreError> {
        self.pauses.set(self.scheduler.refresh_pauses(self.clock.now()).await?);
        Ok(())
    }

    /// Why nothing is refreshed until then. An operator may resume earlier, so nobody is told to wait for days.
    pub(crate) fn refresh_paused(&self, until: Timestamp) -> BrokerError {
        refresh_paused(until, self.clock.now(), &self.timing)
    }
}

/// The same, for whoever is no broker.
pub(crate) fn refresh_paused(until: Timestamp, now: Timestamp, timing: &Timing) -> BrokerError {
    BrokerError::RefreshPaused(until.since(now).min(timing.retry_cap))
}

fn pause_record(target: &PauseTarget, by: &Actor, at: Timestamp) -> AuditRecord {
    let record = match target {
        PauseTarget::Tenant(tenant) => by.did(Some(tenant), at),
        PauseTarget::Provider(provider) => by.did(None, at).at_provider(provider),
    };
    record.resource(target.resource())
}
