//! Consent: from the link a user is sent to, to the grant it makes (RFC 6749 §4.1 with PKCE, RFC 7636), or from
//! the code a user enters on another device (RFC 8628).

mod brought;
mod callback;
mod complete;
mod exchange;
mod hosted;
mod hosting;
mod import;
mod poll_settlement;
pub(crate) mod polling;
mod receive;
mod repeat;
mod scope;
mod start;
mod start_device;

pub use self::complete::CompleteRequest;
pub use self::hosted::HostedCompletion;
pub use self::hosting::Hosting;
pub use self::import::ImportRequest;
pub use self::receive::{ReceivedAnswer, ReceivedCallback, RefusedCallback};
pub(crate) use self::scope::check_scopes;
pub use self::start::{StartRequest, Started};
pub use self::start_device::DeviceStarted;
