//! What failed on the way to the broker.

use std::error::Error;
use std::iter::successors;

use tonic::TimeoutExpired;

/// Whether an error means that the way to the broker is broken. It does not where the client itself gave up waiting: then the broker
/// may well be at work.
pub(super) fn is_of_the_way(error: &(dyn Error + 'static)) -> bool {
    !successors(Some(error), |&error| error.source()).any(|error| error.is::<TimeoutExpired>())
}
