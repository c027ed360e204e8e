//! How many connections a listener has at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

/// One line in so much time: whoever is refused comes again.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// The room of one listener.
pub(crate) struct Slots {
    listener: &'static str,
    most: usize,
    free: Arc<Semaphore>,
    /// Beside `most`: for connections that may ask for little.
    reserve: Arc<Semaphore>,
    refused: AtomicU64,
    since: Instant,
    /// Milliseconds after `since` at which the next line may be written.
    next_line: AtomicU64,
}

/// Room for one connection, until that is dropped.
pub(super) enum Slot {
    Usual(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
    Reserved(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit),
}

impl Slots {
    /// Room for `most` connections.
    pub(crate) fn new(listener: &'static str, most: usize) -> Arc<Self> {
        Self::with_reserve(listener, most, 0)
    }

    /// The same, and room for a few more ([`Self::take_or_reserve`]).
    pub(crate) fn with_reserve(listener: &'static str, most: usize, reserve: usize) -> Arc<Self> {
        Arc::new(Self {
            listener,
            most,
            free: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            reserve: Arc::new(Semaphore::new(reserve)),
            refused: AtomicU64::new(0),
            since: Instant::now(),
            next_line: AtomicU64::new(0),
        })
    }

    /// Room for one connection, until that is dropped. `None`: there is none, which is counted and logged.
    pub(super) fn take(&self, peer: SocketAddr) -> Option<OwnedSemaphorePermit> {
        let slot = self.free.clone().try_acquire_owned().ok();
        if slot.is_none() {
            self.refuse(peer);
        }
        slot
    }

    /// The same, or, where there is none, one of the reserve.
    pub(super) fn take_or_reserve(&self, peer: SocketAddr) -> Option<Slot> {
        let free = self.free.clone().try_acquire_owned().map(Slot::Usual);
        let slot = free.or_else(|_| self.reserve.clone().try_acquire_owned().map(Slot::Reserved)).ok();
        if slot.is_none() {
            self.refuse(peer);
        }
        slot
    }

    /// Whose room it is.
    pub(crate) fn listener(&self) -> &'static str {
        self.listener
    }

    /// How many connections there are.
    pub(crate) fn used(&self) -> usize {
        self.most.saturating_sub(self.free.available_permits())
    }

    /// How many connections were refused so far.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    fn refuse(&self, peer: SocketAddr) {
        let refused = self.refused.fetch_add(1, Relaxed) + 1;
        let now = u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX);
        let due = self.next_line.load(Relaxed);
        let next = now.saturating_add(LINE_EVERY.as_millis() as u64);
        if now >= due && self.next_line.compare_exchange(due, next, Relaxed, Relaxed).is_ok() {
            let (listener, most) = (self.listener, self.most);
            tracing::warn!(listener, most, refused, %peer, "as many connections as may be: another was refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_comes_back_and_what_found_none_is_counted() {
        let (slots, peer) = (Slots::new("grpc", 2), SocketAddr::from(([127, 0, 0, 1], 1)));
        let held = [slots.take(peer), slots.take(peer)];
        assert!(held.iter().all(Option::is_some) && slots.take(peer).is_none());
        assert_eq!((slots.used(), slots.refused()), (2, 1));
        drop(held);
        assert!(slots.take(peer).is_some());
        assert_eq!((slots.used(), slots.refused()), (0, 1));
    }

    #[test]
    fn the_reserve_is_used_last_and_ends_too() {
        let (slots, peer) = (Slots::with_reserve("http", 1, 1), SocketAddr::from(([127, 0, 0, 1], 1)));
        let taken = [(); 3].map(|()| slots.take_or_reserve(peer));
        assert!(matches!(taken, [Some(Slot::Usual(_)), Some(Slot::Reserved(_)), None]));
        assert_eq!((slots.used(), slots.refused()), (1, 1));
    }
}
