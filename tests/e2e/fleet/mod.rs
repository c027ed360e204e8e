//! Several replicas on one Postgres and one Redis, and what may happen to any of them.

mod access;
mod clone;
mod cold_start;
mod crowd;
mod deletion;
mod dying_tokens;
mod outages;
pub(crate) mod patience;
mod pause;
mod rejected;
mod rolling_restart;
mod takeover;
mod termination;
mod watching;
