//! How long conversations with a store take.

use std::time::Instant;

use super::{Distribution, Histograms};
use crate::ports::StoreError;

/// In seconds; the bounds that OpenTelemetry advises for databases, and one below for a store in this process.
const BOUNDS: &[f64] = &[0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

/// Times of a store's operations, by their names and by how they failed.
#[derive(Debug)]
pub struct Operations(Histograms<(&'static str, &'static str)>);

/// Times of one operation.
#[derive(Debug, Clone, PartialEq)]
pub struct OperationTimes {
    /// The method of the port.
    pub name: &'static str,
    /// Empty, or what kind of error it ended with: `unavailable` or `inconsistent`.
    pub error: &'static str,
    /// The times.
    pub times: Distribution,
}

impl Default for Operations {
    fn default() -> Self {
        Self(Histograms::new(BOUNDS))
    }
}

impl Operations {
    /// Does the work and counts how long it took, waiting for a connection included. Work that is dropped is not counted.
    pub async fn timed<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let began = Instant::now();
        let done = work.await;
        let error = match &done {
            Ok(_) => "",
            Err(StoreError::Unavailable(_)) => "unavailable",
            Err(StoreError::Inconsistent(_)) => "inconsistent",
        };
        self.0.observe(&(name, error), began.elapsed());
        done
    }

    /// The times so far.
    pub fn read(&self) -> Vec<OperationTimes> {
        let all = self.0.read().into_iter();
        all.map(|((name, error), times)| OperationTimes { name, error, times }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_operation_is_counted_by_how_it_ended() {
        let operations = Operations::default();
        let failed = || async { Err::<(), _>(StoreError::Inconsistent("a row")) };
        operations.timed("adopt", async { Ok(()) }).await.unwrap();
        operations.timed("adopt", failed()).await.unwrap_err();
        operations.timed("adopt", failed()).await.unwrap_err();
        let read: Vec<_> = operations.read().iter().map(|o| (o.name, o.error, o.times.count())).collect();
        assert_eq!(read, [("adopt", "", 1), ("adopt", "inconsistent", 2)]);
    }
}
