//! What a store made of a create or a change, as an answer.

use crate::ports::{ChangeOutcome, RequestMark};
use crate::{Broker, BrokerError, FieldViolation, RequestId};

impl Broker {
    /// The mark of a create that may be repeated.
    pub(crate) fn mark(
        &self,
        request: Option<RequestId>,
        method: &'static str,
        parts: &[&str],
    ) -> Option<RequestMark> {
        request.map(|id| RequestMark::new(id, method, parts, self.clock.now()))
    }
}

/// The request's id belongs to another request.
pub(crate) fn id_reused() -> BrokerError {
    let problem = "was used for another request within a day: choose a new id for every request";
    BrokerError::InvalidRequest(vec![FieldViolation::new("request_id", problem)])
}

/// What a change came to; `absent` and `in_use` are for the two outcomes that differ by resource.
pub(crate) fn changed(
    outcome: ChangeOutcome,
    absent: BrokerError,
    in_use: &'static str,
) -> Result<(), BrokerError> {
    match outcome {
        ChangeOutcome::Changed => Ok(()),
        ChangeOutcome::Absent => Err(absent),
        ChangeOutcome::Stale => Err(BrokerError::EtagMismatch),
        ChangeOutcome::InUse => Err(BrokerError::ResourceInUse(in_use)),
    }
}
