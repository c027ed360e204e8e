//! Strict simulators of the Evercam and Eagle Eye Networks authorization servers.
//!
//! Each simulator serves consent, code exchange, refresh, revocation and one API call over plain HTTP, refuses
//! what the real provider refuses, and can be told to fail: slow, silent, cut off, garbled, before or after it
//! has rotated a token. A journal shows what it has seen.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use provider_sim::{EagleEyeConfig, Endpoint, Fault, Person, Simulator, When};
//!
//! let sim = Simulator::eagle_eye(EagleEyeConfig::demo()).bind("127.0.0.1:0").await?;
//! sim.faults().push(Fault::drop_connection(Endpoint::Refresh, When::AfterCommit));
//!
//! let authorize = format!(
//!     "{}/oauth2/authorize?response_type=code&scope=vms.all&client_id={}&redirect_uri={}&state=s",
//!     sim.base_url(),
//!     EagleEyeConfig::DEMO_CLIENT_ID,
//!     EagleEyeConfig::DEMO_REDIRECT_URI,
//! );
//! let callback = Person::new("a11ce001").approve(&authorize).await?;
//! assert!(callback.starts_with("http://127.0.0.1:3333?code="));
//! sim.shutdown().await;
//! # Ok(()) }
//! ```

mod client;
mod clock;
mod consent_page;
mod eagle_eye;
mod evercam;
mod faults;
mod journal;
mod jwt;
mod ledger;
mod message;
mod params;
mod person;
mod pkce;
mod policy;
mod provider;
mod random;
mod realm;
mod server;

pub use client::{ClientConfig, GrantType, UnknownClient};
pub use clock::Clock;
pub use eagle_eye::{DocStatus, EagleEyeConfig, EagleEyeUser, HttpsBaseUrl};
pub use evercam::{ApiKey, EvercamConfig, EvercamUser, FormBody};
pub use faults::{Effect, Fault, FaultBody, Faults, RetryAfter, Times, When};
pub use journal::{Endpoint, Entry, Journal, Outcome, WaitTimeout};
pub use ledger::StateError;
pub use person::{Person, PersonError};
pub use policy::{GrantPolicy, ReusePolicy, RevocationReach};
pub use server::{Running, Simulator, StartError, control};
