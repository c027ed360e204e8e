//! This replica among the others: it joins, says that it lives, and learns what bars it from claiming.

mod breaker;
mod registrations;
mod standing;
mod upkeep;

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

pub(crate) use self::breaker::standing as breaker_standing;
pub(crate) use self::registrations::Rejected;
pub use self::standing::Barred;
pub(crate) use self::standing::FleetStanding;
use crate::error::chain;
use crate::ports::{Replica, StoreError};
use crate::{Broker, ProviderName, Timestamp};

/// Replicas heard of within this time must have replayed their journals before anyone claims in a new epoch (rule 16).
const LAST_HOUR: Duration = Duration::from_secs(3600);
/// A pause is obeyed by every replica this soon.
const LOOK_AT_PAUSES: Duration = Duration::from_secs(1);

/// Rotations within this time need their journal (rule 16): as long as journals keep the newest record of each grant.
const JOURNALS_KEPT: Duration = Duration::from_secs(24 * 3600);

impl Broker {
    /// Why this replica does not claim at present; `None` if it does.
    pub fn barred(&self) -> Option<Barred> {
        self.fleet.barred()
    }

    /// Whether the store did not answer when it was last needed.
    pub fn store_is_away(&self) -> bool {
        self.fleet.store_is_away()
    }

    /// Providers whose breaker is open: no grant of theirs is given up (rule 10).
    pub fn degraded_providers(&self) -> Vec<ProviderName> {
        self.fleet.open_breakers()
    }

    /// Notes that this replica runs, and decides whether the store is its own.
    pub(crate) async fn join(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let replica = Replica {
            incarnation: self.incarnation,
            escrow: self.escrow.id(),
            started_at: now,
            rejoins: self.fleet.has_joined(),
        };
        let joined = self.fleet_store.join(&replica, now - JOURNALS_KEPT).await?;
        self.fleet.join(&joined, now + self.timing.death_detection);
        match self.fleet.barred() {
            Some(Barred::Unvouched) => tracing::warn!("refresh waits: {}", Barred::Unvouched),
            Some(barred) => {
                tracing::error!(installation = %joined.installation, "refresh is paused: {barred}");
            }
            None => {}
        }
        Ok(())
    }

    /// Says that this replica lives and settles what dead ones left, again and again until `stop`. The one never waits
    /// for the other: a replica that has much to settle is alive.
    pub async fn run_membership(self: Arc<Self>, stop: CancellationToken) {
        tokio::join!(self.pulses(&stop), self.settlements(&stop), self.watch_pauses(&stop));
    }

    async fn watch_pauses(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.look_at_pauses().await;
            self.rest_for(LOOK_AT_PAUSES, stop).await;
        }
    }

    async fn pulses(&self, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            self.pulse().await;
            self.rest(stop).await;
        }
    }

    async fn settlements(self: &Arc<Self>, stop: &CancellationToken) {
        while !stop.is_cancelled() {
            tokio::select! {
                () = self.settle() => {}
                () = stop.cancelled() => return,
            }
            self.rest(stop).await;
        }
    }

    async fn rest(&self, stop: &CancellationToken) {
        self.rest_for(self.timing.heartbeat, stop).await;
    }

    async fn rest_for(&self, span: Duration, stop: &CancellationToken) {
        let next = self.clock.now() + span;
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.clock.sleep_until(next) => {}
        }
    }

    /// One heartbeat, and one round of settling.
    pub async fn beat(self: &Arc<Self>) {
        self.pulse().await;
        self.look_at_pauses().await;
        self.settle().await;
    }

    /// One heartbeat, and what follows from it.
    pub(crate) async fn pulse(&self) {
        let before = self.fleet.barred();
        match self.try_pulse().await {
            Ok(()) => self.fleet.store_answered(true),
            Err(error) => {
                self.fleet.store_answered(!matches!(error, StoreError::Unavailable(_)));
                self.fleet.heard_nothing(self.clock.now() + self.timing.death_detection);
                tracing::warn!(error = chain(&error), "a heartbeat failed");
            }
        }
        match (before, self.fleet.barred()) {
            // It has said so when it joined.
            (_, Some(Barred::Unvouched)) => {}
            (old, Some(new)) if old != Some(new) => tracing::error!("refresh is paused: {new}"),
            (Some(_), None) => tracing::info!("refresh goes on"),
            _ => {}
        }
    }

    async fn try_pulse(&self) -> Result<(), StoreError> {
        let now = self.clock.now();
        let alive_since = now - self.timing.death_detection;
        let pulse = self.fleet_store.heartbeat(self.incarnation, now, alive_since, now - LAST_HOUR).await?;
        if pulse.unknown {
            tracing::warn!("the store has forgotten this replica, as after a failover; joining again");
            self.join().await?;
        }
        // The round trip is no skew.
        let now = if pulse.store_time > now { self.clock.now().min(pulse.store_time) } else { now };
        self.fleet.beat(&pulse, now, self.timing.max_clock_skew);
        if self.fleet.hears(&pulse) {
            self.fleet_store.note_vouched(self.incarnation).await?;
            self.fleet.vouched();
        }
        if self.fleet.alive() > 1 && !self.wakeups.is_shared() {
            // Nobody tells this replica what the others adopt.
            self.cache.doubt_all();
        }
        self.forget_revoked().await?;
        self.forget_destroyed().await?;
        self.read_breakers().await?;
        self.tell_registration_news().await?;
        self.scheduler.note_successes(&self.successes.take()).await
    }

    /// Settles what this journal, dead replicas and dead tasks hold.
    async fn settle(self: &Arc<Self>) {
        let settled = async {
            self.review_abandoned().await;
            self.replay_if_due().await?;
            self.settle_orphans().await
        };
        if let Err(error) = settled.await {
            tracing::warn!(error = chain(&error), "what was left open could not be settled");
        }
    }

    /// Ends this replica's membership: nothing it began is open. Call it after [`Broker::drain`].
    pub async fn leave(&self) {
        if let Err(error) = self.fleet_store.leave(self.incarnation, self.clock.now()).await {
            tracing::warn!(error = chain(&error), "the store was not told that this replica ends");
        }
    }

    /// When a replica must have been heard of to count as alive.
    pub(crate) fn silent_since(&self) -> Timestamp {
        self.clock.now() - self.timing.death_detection
    }
}
