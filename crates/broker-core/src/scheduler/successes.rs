//! When providers last answered with tokens: noted in memory, written down with the heartbeat.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Mutex, PoisonError};

use crate::{ProviderName, Timestamp};

/// The last success at each provider since it was last written down.
#[derive(Debug, Default)]
pub(crate) struct Successes(Mutex<BTreeMap<ProviderName, Timestamp>>);

impl Successes {
    pub(crate) fn note(&self, provider: &ProviderName, at: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = noted.entry(provider.clone()).or_insert(at);
        *last = at.max(*last);
    }

    pub(crate) fn take(&self) -> Vec<(ProviderName, Timestamp)> {
        mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::at;
    use super::*;

    #[test]
    fn the_last_success_is_kept_until_it_is_taken() {
        let (successes, provider) = (Successes::default(), ProviderName::new("p").unwrap());
        for seconds in [1, 3, 2] {
            successes.note(&provider, at(seconds));
        }
        assert_eq!(successes.take(), [(provider, at(3))]);
        assert_eq!(successes.take(), []);
    }
}
