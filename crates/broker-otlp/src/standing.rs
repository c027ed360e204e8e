//! Whether the collector takes what is sent: told when it changes, not each time.

use std::sync::{Mutex, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Standing(Mutex<Option<String>>);

impl Standing {
    /// Notes how the last delivery ended.
    pub(crate) fn note(&self, problem: Option<&str>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_deref() == problem {
            return;
        }
        match problem {
            Some(problem) => {
                tracing::warn!(
                    problem,
                    "telemetry is not taken by the collector; what finds no room is dropped"
                );
            }
            None => tracing::info!("telemetry is taken by the collector again"),
        }
        *known = problem.map(str::to_owned);
    }
}
