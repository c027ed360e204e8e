//! The only door to the transit engine of HashiCorp Vault or OpenBao, which holds key encryption keys and never gives
//! them away.
//!
//! [`Transit`] wraps and unwraps data keys over HTTP. A wrapping is bound to its place by transit's `associated_data`, and
//! names the version of the transit key that made it ([`KeyName::kek`]). Calls in flight are bounded, and after one that
//! failed nobody asks again for a second.

mod address;
mod client;
mod failure;
mod login;
mod name;
mod outage;
mod session;
#[cfg(feature = "testing")]
pub mod testing;
mod transit;
mod versions;
mod wire;

pub use address::{Address, Invalid};
pub use failure::Failure;
pub use login::{KubernetesLogin, Login};
pub use name::KeyName;
pub use transit::Transit;
