//! The door to Redis, on a real server that is killed, stopped and emptied.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

mod budgets;
mod leases;
mod logins;
mod outages;
mod proxy;
mod server;
mod tls;
mod wakeups;
mod world;
