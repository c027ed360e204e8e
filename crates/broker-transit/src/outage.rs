//! A service that cannot be used is left alone for a moment, and told of once.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use broker_core::Timestamp;

use crate::Failure;

/// After a failure nobody asks again for so long: a crowd does not wait one after the other for what fails anyway.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// Whether the service can be used, as far as is known.
#[derive(Debug, Default)]
pub(crate) struct Outage(Mutex<Option<Away>>);

#[derive(Debug)]
struct Away {
    failure: Failure,
    until: Timestamp,
}

impl Outage {
    /// Why nobody asks at present.
    pub(crate) fn bars(&self, now: Timestamp) -> Option<Failure> {
        let away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        away.as_ref().filter(|away| now < away.until).map(|away| away.failure.clone())
    }

    /// Takes note of how a request ended.
    pub(crate) fn note<T>(&self, outcome: &Result<T, Failure>, now: Timestamp) {
        let mut away = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Err(failure) if !failure.is_of_ciphertext() => {
                if away.as_ref().is_none_or(|away| away.failure != *failure) {
                    tracing::error!("the transit engine cannot be used: {failure}");
                }
                *away = Some(Away { failure: failure.clone(), until: now + REST });
            }
            _ if away.take().is_some() => tracing::info!("the transit engine can be used again"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_bars_for_a_moment_and_a_success_at_once_no_more() {
        let (outage, start) = (Outage::default(), Timestamp::from_unix_seconds(0));
        outage.note(&Err::<(), _>(Failure::DoesNotOpen), start);
        assert_eq!(outage.bars(start), None, "the ciphertext is at fault");
        outage.note(&Err::<(), _>(Failure::Sealed), start);
        assert_eq!(outage.bars(start), Some(Failure::Sealed));
        assert_eq!(outage.bars(start + REST), None);
        outage.note(&Ok(()), start);
        assert_eq!(outage.bars(start), None);
    }
}
