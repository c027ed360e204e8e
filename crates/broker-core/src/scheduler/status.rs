//! How the scheduler stands, as data.

use std::sync::PoisonError;

use super::gate::Gate;
use crate::{Broker, ProviderName, Timestamp};

/// How the scheduler stands at every provider it has had work for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchedulerStatus {
    /// Ordered by name.
    pub providers: Vec<ProviderStatus>,
}

/// How the scheduler stands at one provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderStatus {
    /// The provider.
    pub provider: ProviderName,
    /// Whether it is called at all.
    pub gate: Gate,
    /// Rotations the scheduler has in flight there.
    pub in_flight: usize,
    /// The most it would have in flight.
    pub in_flight_cap: usize,
    /// Grants read as due now or soon, and not started. The store may hold more.
    pub waiting: usize,
    /// The provider's budget is spent and asked again then.
    pub budget_short_until: Option<Timestamp>,
}

impl Broker {
    /// How this replica's scheduler stands.
    pub fn scheduler_status(&self) -> SchedulerStatus {
        let planner = self.planner.lock().unwrap_or_else(PoisonError::into_inner);
        SchedulerStatus { providers: planner.status(&self.gates, self.clock.now()) }
    }
}
