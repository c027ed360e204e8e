//! Where the doors are opened: configuration, listeners, telemetry and wiring around `broker-core`.

mod around;
mod audit;
mod auth;
pub mod callback;
mod cli;
mod complaint;
mod condition;
pub mod config;
mod coordination;
mod data_keys;
#[cfg(feature = "dev")]
mod dev;
mod engine;
#[cfg(feature = "failpoints")]
mod failpoints;
mod grpc;
mod hardening;
mod held_keys;
mod http;
mod key_source;
mod keys;
mod limits;
mod listener;
mod measured;
mod metrics;
mod panics;
mod reload;
mod role;
mod rotation_walls;
mod serve;
mod stop;
mod store;
mod store_command;
mod supervised;
mod system_clock;
mod telemetry;
mod trace_headers;
mod webhooks;
mod wiring;

pub use cli::main;
pub use role::Role;
pub use serve::{Running, start, start_as};
pub use system_clock::SystemClock;
pub use telemetry::Telemetry;
pub use wiring::Surroundings;
