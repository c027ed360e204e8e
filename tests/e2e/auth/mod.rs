//! Who calls: every way to be known, and to pretend.

mod caller;
mod envoy;
mod ext_authz;
mod jwt;
mod mtls;
mod rotation;
pub(crate) mod setting;
mod tls;
mod traffic;

/// Whom every test calls for.
const RECORDER: &str = "spiffe://prod.example/recorder";
