//! Package `tokenbroker.v1`.

#![expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    reason = "the generator writes it so"
)]

use redacted::REDACTED;

tonic::include_proto!("tokenbroker.v1");

include!(concat!(env!("OUT_DIR"), "/redacted_debug.rs"));

mod redacted {
    /// Stands where `Debug` leaves a secret out.
    pub(super) const REDACTED: std::fmt::Arguments<'static> = format_args!("[redacted]");
}
