//! The error table of the contract, as a client reads it.

mod authorization;
mod deadline;
mod given_up;
mod help;
mod lookup;
mod provider_fails;
mod registration;
mod request;
mod upkeep;

use broker_e2e::Answer;
use broker_proto::error::BrokerError;
use broker_proto::v1::Reason;
use tonic::{Code, Status};

/// The error of an answer, which must have this code and reason.
#[track_caller]
pub(crate) fn refused<T>(answer: Answer<T>, code: Code, reason: Reason) -> Box<BrokerError> {
    let Err(error) = answer else { panic!("answered, where {reason:?} was due") };
    assert_eq!((error.code(), error.reason()), (code, Some(reason)), "{error}");
    error
}

/// The fields that a malformed request was told of.
#[track_caller]
pub(crate) fn bad_fields<T>(answer: Answer<T>) -> Vec<String> {
    let error = refused(answer, Code::InvalidArgument, Reason::InvalidRequest);
    error.field_violations().iter().map(|violation| violation.field.clone()).collect()
}

/// Everything of a status that a client gets to see, but the time of day.
pub(crate) fn bytes(status: &Status) -> (Code, String, Vec<u8>, Vec<String>) {
    let metadata = status.metadata().clone().into_headers();
    let names = metadata.iter().filter(|(name, _)| *name != http::header::DATE);
    let headers = names.map(|(name, value)| format!("{name}: {value:?}")).collect();
    (status.code(), status.message().to_owned(), status.details().to_vec(), headers)
}
