//! Where the doors are opened: configuration, listeners, telemetry and wiring around `broker-core`.

mod cli;
pub mod config;
#[cfg(feature = "dev")]
mod dev;
mod grpc;
mod hardening;
mod http;
mod keys;
mod serve;
mod system_clock;
mod telemetry;
mod wiring;

pub use cli::main;
pub use serve::{Running, start};
pub use system_clock::SystemClock;
pub use wiring::Surroundings;
