//! Where the doors are opened: configuration, listeners, telemetry and wiring around `broker-core`.

mod cli;
mod complaint;
pub mod config;
mod data_keys;
#[cfg(feature = "dev")]
mod dev;
mod grpc;
mod hardening;
mod http;
mod keys;
mod role;
mod serve;
mod stop;
mod system_clock;
mod telemetry;
mod wiring;

pub use cli::main;
pub use serve::{Running, start};
pub use system_clock::SystemClock;
pub use wiring::Surroundings;
