//! What the benchmarks share: processes under measurement, and what the kernel says about them.

mod adoptions;
mod consents;
mod cores;
mod cpu;
mod home;
mod ledger;
mod present;
mod server;
mod spread;
mod stub;

pub use adoptions::Adoptions;
pub use consents::{key, obtain, obtain_more};
pub use cores::Cores;
pub use cpu::{ProcessCpu, busy};
pub use home::{Home, PROVIDER, TRUST_DOMAIN, migrate};
pub use ledger::{InFlight, Ledger, Token};
pub use present::{Pair, present};
pub use server::Server;
pub use spread::Spread;
pub use stub::{Stub, Times};
