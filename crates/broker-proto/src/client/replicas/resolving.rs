//! Looks up which replicas there are.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::sleep;
use tonic::transport::{Endpoint, Error};

use super::Shared;

/// Between two lookups, however often replicas fail.
const LEAST_PAUSE: Duration = Duration::from_secs(1);

type Connect = dyn Fn(SocketAddr) -> Result<Endpoint, Error> + Send + Sync;

/// What is looked up.
pub(super) struct Name {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) every: Duration,
    pub(super) endpoint: Box<Connect>,
}

/// Never ends: whoever dropped the replicas dropped it.
pub(super) async fn keep_resolving(shared: Arc<Shared>, name: Name) {
    loop {
        // What cannot be looked up changes nothing: the replicas that were there may be there still.
        if let Ok(found) = name.look_up().await {
            shared.are_now(&found, &name);
        }
        sleep(LEAST_PAUSE).await;
        tokio::select! {
            () = sleep(name.every.saturating_sub(LEAST_PAUSE)) => {}
            () = shared.failed.notified() => {}
        }
    }
}

impl Name {
    /// Its addresses, in an order that does not change.
    async fn look_up(&self) -> io::Result<Vec<SocketAddr>> {
        let mut found: Vec<_> = lookup_host((self.host.as_str(), self.port)).await?.collect();
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }
}

impl Shared {
    /// An answer without an address is none: it may be about to change.
    fn are_now(&self, found: &[SocketAddr], name: &Name) {
        if found.is_empty() {
            return;
        }
        let names: Vec<_> = found.iter().map(ToString::to_string).collect();
        let connect = |text: &str| {
            let address = text.parse().ok()?;
            Some((name.endpoint)(address).ok()?.connect_lazy())
        };
        if self.set().become_these(&names, connect) {
            self.filled.notify_waiters();
        }
    }
}
