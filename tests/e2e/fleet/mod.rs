//! Several replicas on one Postgres and one Redis, and what may happen to any of them.

mod access;
mod clone;
mod crowd;
mod deletion;
mod dying_tokens;
mod outages;
pub(crate) mod patience;
mod pause;
mod takeover;
mod termination;
