//! Consent: from the link a user is sent to, to the grant it makes (RFC 6749 §4.1 with PKCE, RFC 7636).

mod callback;
mod complete;
mod exchange;
mod scope;
mod start;

pub use self::complete::CompleteRequest;
pub(crate) use self::scope::check_scopes;
pub use self::start::{StartRequest, Started};
