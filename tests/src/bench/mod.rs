//! What the benchmarks share: processes under measurement, and what the kernel says about them.

mod cores;
mod cpu;
mod server;
mod spread;

pub use cores::Cores;
pub use cpu::{ProcessCpu, busy};
pub use server::Server;
pub use spread::Spread;
