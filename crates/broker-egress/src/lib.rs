//! The only door to outgoing HTTP.
//!
//! A token request must not be sent twice, and whoever sent it must know whether it was sent at all.
//! [`Egress::post_once`] therefore writes a body once, only after a gate agreed, and tells two failures
//! apart: [`EgressError::Unsent`], where provably nothing of the body was written, and
//! [`EgressError::Lost`], where the server may have acted on it. [`Egress::fetch`] reads a document, which costs nothing
//! to ask for again, and [`Egress::call`] speaks JSON with a service that bears being asked twice.

mod api_call;
mod config;
mod egress;
mod error;
mod fetch;
mod gated_body;
mod one_shot;
mod release;
mod tls;
mod url_policy;

pub use api_call::{ApiAnswer, ApiCall};
pub use config::EgressConfig;
pub use egress::Egress;
pub use error::{Cause, EgressError, EgressSetupError};
pub use fetch::FetchError;
pub use one_shot::{Answer, OneShot};
pub use url_policy::{UrlRefused, is_loopback, screen};
