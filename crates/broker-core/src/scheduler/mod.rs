//! Refreshing grants that are due, before anyone asks.
//!
//! Whether a provider is called at all ([`gates`]), then its budget, then tenant fairness, then the earliest deadline
//! ([`planner`]). Work is proportional to what is due, never to the number of grants.

mod fair_queue;
mod gate;
mod gates;
mod learnt;
mod noted;
mod pauses;
mod planner;
mod reading;
mod retry_budget;
mod run;
#[cfg(test)]
mod samples;
mod share;
#[cfg(test)]
mod simulation_tests;
mod slots;
mod standing;
mod status;
mod successes;
mod work;

pub use gate::Gate;
pub(crate) use gate::GateRules;
pub(crate) use gates::Gates;
pub(crate) use noted::Noted;
pub(crate) use pauses::Pauses;
pub(crate) use planner::Planner;
pub use standing::{BreakerStanding, BreakerState};
pub use status::{ProviderStatus, SchedulerStatus};
pub(crate) use successes::Successes;
