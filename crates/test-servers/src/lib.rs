//! Postgres and Redis for tests: found, or brought.
//!
//! In this order, and never silently without: `TEST_DATABASE_URL` and `TEST_REDIS_URL`; Docker; servers installed on this
//! machine; servers unpacked under `target/` by `cargo xtask test`. A server that was started here ends with the process
//! that started it, even when that one is killed. Where there is no server the test panics, and says what to do.

mod binaries;
mod bring;
mod debian;
mod docker;
mod hold;
mod machine;
mod missing;
mod names;
mod own_runtime;
mod ports;
mod postgres;
mod process;
mod product;
mod reachable;
mod redis;
mod server;
mod source;
mod version;

pub use hold::{hold, hold_database, hold_durable};
pub use missing::Missing;
pub use postgres::{Postgres, PostgresOptions, PrivatePostgres, Template, TestDatabase, postgres};
pub use redis::{PrivateRedis, Redis, RedisOptions, TestRedis, redis, redis_database};
