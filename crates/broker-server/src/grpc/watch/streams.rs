//! How many streams are open: all together, and of each caller.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use broker_core::{BrokerError, Principal};

/// The streams of this process.
pub(in crate::grpc) struct Streams {
    most: u32,
    most_of_caller: u32,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    all: u32,
    of_callers: HashMap<Principal, u32>,
}

/// The right to one stream, until it is dropped.
pub(in crate::grpc) struct OpenStream {
    open: Arc<Mutex<Open>>,
    caller: Principal,
}

impl Streams {
    pub(in crate::grpc) fn new(most: u32, most_of_caller: u32) -> Self {
        Self { most, most_of_caller, open: Arc::default() }
    }

    /// One more, or `TooManyStreams`.
    pub(in crate::grpc) fn open(&self, caller: &Principal) -> Result<OpenStream, BrokerError> {
        let mut open = lock(&self.open);
        if open.all >= self.most {
            return Err(BrokerError::TooManyStreams(self.most));
        }
        let own = open.of_callers.entry(caller.clone()).or_default();
        if *own >= self.most_of_caller {
            return Err(BrokerError::TooManyStreams(self.most_of_caller));
        }
        *own += 1;
        open.all += 1;
        Ok(OpenStream { open: self.open.clone(), caller: caller.clone() })
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut open = lock(&self.open);
        open.all -= 1;
        if let Some(own) = open.of_callers.get_mut(&self.caller) {
            *own -= 1;
            if *own == 0 {
                open.of_callers.remove(&self.caller);
            }
        }
    }
}

fn lock(open: &Mutex<Open>) -> MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caller_and_all_together_have_so_many_and_one_that_ends_makes_room() {
        let streams = Streams::new(3, 2);
        let (ada, bob) = (Principal::new("ada").unwrap(), Principal::new("bob").unwrap());
        let limit = |opened: Result<OpenStream, BrokerError>| match opened {
            Err(BrokerError::TooManyStreams(limit)) => limit,
            Err(other) => panic!("{other}"),
            Ok(_) => 0,
        };
        let first = streams.open(&ada).unwrap();
        let _second = streams.open(&ada).unwrap();
        assert_eq!(limit(streams.open(&ada)), 2);
        let _third = streams.open(&bob).unwrap();
        assert_eq!(limit(streams.open(&bob)), 3);
        drop(first);
        let fourth = streams.open(&bob).unwrap();
        assert_eq!(limit(streams.open(&bob)), 3);
        drop(fourth);
        assert_eq!(lock(&streams.open).of_callers[&bob], 1);
    }
}
