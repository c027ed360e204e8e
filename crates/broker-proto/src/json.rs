//! Canonical proto JSON (<https://protobuf.dev/programming-guides/json>).
//!
//! Secrets are written out: a command line that prints a token prints it on purpose.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorError, DescriptorPool, DynamicMessage};

use crate::FILE_DESCRIPTOR_SET;

static POOL: LazyLock<Result<DescriptorPool, DescriptorError>> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET));

/// Why a message has no JSON.
#[derive(Debug, thiserror::Error)]
pub enum JsonError {
    /// The contract has no message of this name.
    #[error("the contract has no message {0}")]
    UnknownMessage(String),
    /// The message holds an `Any` of a type that the contract does not have.
    #[error("the message cannot be written as JSON: {0}")]
    Unrepresentable(String),
}

/// The contract as a pool of descriptors.
///
/// # Errors
/// None in practice: the pool is built from what was compiled in.
pub fn pool() -> Result<&'static DescriptorPool, JsonError> {
    POOL.as_ref().map_err(|error| JsonError::Unrepresentable(error.to_string()))
}

/// The JSON of a message.
///
/// # Errors
/// [`JsonError`] when the contract does not have the message, or the message holds an `Any` that it does not have.
pub fn to_json<M: Message + Name>(message: &M) -> Result<serde_json::Value, JsonError> {
    let name = M::full_name();
    let descriptor = pool()?.get_message_by_name(&name).ok_or(JsonError::UnknownMessage(name))?;
    let unrepresentable = |error: &dyn std::fmt::Display| JsonError::Unrepresentable(error.to_string());
    let dynamic = DynamicMessage::decode(descriptor, message.encode_to_vec().as_slice())
        .map_err(|error| unrepresentable(&error))?;
    serde_json::to_value(dynamic).map_err(|error| unrepresentable(&error))
}
