//! Who of the replicas can be called right now.

use std::sync::{Mutex, MutexGuard, PoisonError};

use broker_e2e::Client;

/// A client for each replica that serves.
pub(crate) struct Fleet(Mutex<Vec<Option<Client>>>);

impl Fleet {
    pub(crate) fn of(replicas: usize) -> Self {
        Self(Mutex::new(vec![None; replicas]))
    }

    /// A replica has begun or ceased to serve.
    pub(crate) fn set(&self, replica: usize, client: Option<Client>) {
        self.clients()[replica] = client;
    }

    /// The replica's client, while it serves.
    pub(crate) fn client(&self, replica: usize) -> Option<Client> {
        self.clients()[replica].clone()
    }

    fn clients(&self) -> MutexGuard<'_, Vec<Option<Client>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
