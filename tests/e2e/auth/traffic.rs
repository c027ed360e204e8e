//! Callers who call again and again, and remember what failed.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::caller::{Caller, Reception};
use super::setting::until;

/// One caller who connects for each call, and one who goes on over a connection until it is given something new.
pub(super) struct Traffic {
    caller: watch::Sender<Caller>,
    records: [Arc<Record>; 2],
    stop: CancellationToken,
    tasks: TaskTracker,
}

#[derive(Default)]
struct Record {
    calls: AtomicUsize,
    failures: Mutex<Vec<(usize, Reception)>>,
}

impl Traffic {
    pub(super) fn start(address: SocketAddr, caller: Caller) -> Self {
        let traffic = Self {
            caller: watch::Sender::new(caller),
            records: Default::default(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        for (lasting, record) in [false, true].into_iter().zip(traffic.records.clone()) {
            let (caller, stop) = (traffic.caller.subscribe(), traffic.stop.clone());
            traffic.tasks.spawn(async move { call_on(address, caller, lasting, &record, &stop).await });
        }
        traffic
    }

    /// From now on they call with this; returns when they do.
    pub(super) async fn give(&self, caller: Caller) {
        self.caller.send_replace(caller);
        self.go_on().await;
    }

    /// Waits for some calls more of each.
    pub(super) async fn go_on(&self) {
        for record in &self.records {
            let enough = record.calls.load(Ordering::SeqCst) + 10;
            until("the next call", async || record.calls.load(Ordering::SeqCst) >= enough).await;
        }
    }

    /// Ends, and checks that not one call failed.
    pub(super) async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        for record in &self.records {
            let calls = record.calls.load(Ordering::SeqCst);
            assert_eq!(*record.failures.lock().unwrap(), [], "failures among {calls} calls");
            assert!(calls >= 10, "{calls} calls prove nothing");
        }
    }
}

async fn call_on(
    address: SocketAddr,
    mut caller: watch::Receiver<Caller>,
    lasting: bool,
    record: &Record,
    stop: &CancellationToken,
) {
    let mut current = caller.borrow_and_update().clone();
    let mut channel = current.channel(address);
    while !stop.is_cancelled() {
        if !lasting || caller.has_changed().unwrap() {
            current = caller.borrow_and_update().clone();
            channel = current.channel(address);
        }
        let reception = current.call_over(channel.clone()).await;
        let number = record.calls.fetch_add(1, Ordering::SeqCst);
        if reception != Reception::Known {
            record.failures.lock().unwrap().push((number, reception));
        }
    }
}
