//! Package `envoy.service.auth.v3`, as much of it as the broker reads and writes: what Envoy asks before it forwards a
//! request.

#![expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "the generator writes it so"
)]

use redacted::REDACTED;

tonic::include_proto!("envoy.service.auth.v3");

include!(concat!(env!("OUT_DIR"), "/external_authorization_debug.rs"));

mod redacted {
    /// Stands where `Debug` leaves a secret out.
    pub(super) const REDACTED: std::fmt::Arguments<'static> = format_args!("[redacted]");
}
