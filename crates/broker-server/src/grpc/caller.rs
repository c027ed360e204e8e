//! Who calls.

use broker_core::{BrokerError, Principal};
use tonic::Request;

/// Who sent the request: the layer in front of all services has put it there, in every mode.
pub(super) fn principal<T>(request: &Request<T>) -> Result<Principal, BrokerError> {
    request.extensions().get::<Principal>().cloned().ok_or(BrokerError::CallerUnknown)
}
