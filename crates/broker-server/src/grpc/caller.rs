//! Who calls.

use broker_core::{BrokerError, Principal};
use tonic::Request;

/// Metadata that names the caller in mode `dev`.
const HEADER: &str = "x-tokenbroker-principal";
const ANYBODY: &str = "dev";

/// Who sent the request. In mode `dev` it is whoever the caller says.
pub(super) fn principal<T>(request: &Request<T>) -> Result<Principal, BrokerError> {
    let named = request.metadata().get(HEADER).and_then(|value| value.to_str().ok());
    named.and_then(Principal::new).or_else(|| Principal::new(ANYBODY)).ok_or(BrokerError::CallerUnknown)
}
