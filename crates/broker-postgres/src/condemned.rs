//! Connections that no longer lead to a server one can write to.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use broker_core::ports::StoreError;

use crate::operation::driver_error;

/// When connections were last found to be useless. After a fail-over every idle connection leads to the old server,
/// and may be open still: without this each would cost one failed call, or fail every call, of a server turned
/// read-only.
#[derive(Debug, Default)]
pub(crate) struct Condemned {
    at: Mutex<Option<Instant>>,
}

impl Condemned {
    /// Condemns every connection there is, if `error` says so.
    pub(crate) fn learn_from(&self, error: &StoreError) {
        if driver_error(error).is_some_and(leads_nowhere) {
            *self.at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        }
    }

    /// Whether a connection of that age may still be used.
    pub(crate) fn spares(&self, age: Duration) -> bool {
        self.at.lock().unwrap_or_else(PoisonError::into_inner).is_none_or(|at| age < at.elapsed())
    }
}

/// I/O errors, a server that has become a standby (25006), and one that shuts down (57P01 to 57P03).
fn leads_nowhere(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) => true,
        sqlx::Error::Database(refusal) => {
            refusal.code().is_some_and(|code| ["25006", "57P01", "57P02", "57P03"].contains(&code.as_ref()))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_of_the_network_condemns_what_was_connected_before_it() {
        let condemned = Condemned::default();
        assert!(condemned.spares(Duration::from_secs(9)));
        condemned.learn_from(&StoreError::Inconsistent("not a matter of connections"));
        assert!(condemned.spares(Duration::from_secs(9)));
        let reset = sqlx::Error::Io(std::io::ErrorKind::ConnectionReset.into());
        condemned.learn_from(&StoreError::Unavailable(Box::new(reset)));
        assert!(!condemned.spares(Duration::from_secs(9)));
        assert!(condemned.spares(Duration::ZERO), "connected since");
    }
}
