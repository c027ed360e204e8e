//! The gRPC contract of the token broker: messages, clients and server traits, generated from `proto/`.
//!
//! `Debug` of a message never shows a field that the contract marks `debug_redact`.

#[cfg(feature = "client")]
pub mod client;
pub mod error;
pub mod external_authorization;
#[cfg(feature = "json")]
pub mod json;
pub mod reason;
pub mod v1;

/// The contract with everything it imports, an encoded `google.protobuf.FileDescriptorSet`: for server reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = tonic::include_file_descriptor_set!("tokenbroker_descriptor");
