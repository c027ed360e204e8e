//! The only door to Redis: leases, wake-ups and shared budgets. All of it saves work; none of it is needed.
//!
//! One [`RedisCoordinator`] is a lease manager, the wake-ups and the provider budgets of a replica. It works with one
//! Redis server (7.0 or later) or a proxy that looks like one; each command names a single key, hash-tagged. What is
//! lost with Redis (a crash, `FLUSHALL`, a failover) costs duplicate effort and at most one burst of each budget.
//!
//! An ACL user needs no more than:
//!
//! ```text
//! resetkeys ~tokenbroker:v1:* resetchannels &tokenbroker:v1:*
//! -@all +ping +get +set +del +pexpire +time +eval +evalsha +script|load +publish +subscribe
//! ```
//!
//! TLS takes the process's default `rustls` provider; install one before [`RedisCoordinator::connect`].

mod announcer;
mod breaker;
mod budget;
mod config;
mod config_error;
mod coordinator;
mod keys;
mod lease;
mod link;
mod listener;
mod message;
mod problem;
mod standing;

pub use config::RedisConfig;
pub use config_error::RedisConfigError;
pub use coordinator::RedisCoordinator;
