//! The only door to outgoing HTTP.
//!
//! A token request must not be sent twice, and whoever sent it must know whether it was sent at all.
//! [`Egress::post_once`] therefore writes a body once, only after a gate agreed, and tells two failures
//! apart: [`EgressError::Unsent`], where provably nothing of the body was written, and
//! [`EgressError::Lost`], where the server may have acted on it. [`Egress::fetch`] reads a document, which costs nothing
//! to ask for again, and [`Egress::call`] speaks JSON with a service that bears being asked twice.
//!
//! Where somebody else chose the URL, [`StrangerEgress`] calls public addresses alone.

mod address_policy;
mod api_call;
mod call_times;
mod client_span;
mod collector;
mod config;
mod egress;
mod error;
mod fetch;
mod gated_body;
mod one_shot;
mod release;
mod screened_resolver;
mod stranger;
mod tls;
mod url_policy;

pub use address_policy::AddressPolicy;
pub use api_call::{ApiAnswer, ApiCall};
pub use call_times::{CallEnd, CallKind, CallTimes};
pub use collector::{CollectorAnswer, CollectorEgress};
pub use config::EgressConfig;
pub use egress::Egress;
pub use error::{Cause, EgressError, EgressSetupError};
pub use fetch::FetchError;
pub use one_shot::{Answer, OneShot};
pub use stranger::{Post, PostAnswer, PostFailure, StrangerEgress};
pub use url_policy::{UrlRefused, is_loopback, screen};
