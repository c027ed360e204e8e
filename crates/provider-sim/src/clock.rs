//! The simulator's clock: the machine's time by default, or a time that tests move by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Milliseconds since the Unix epoch.
pub(crate) type Millis = u64;

/// A clock that is cheap to clone; every clone shows the same time.
#[derive(Clone, Debug)]
pub struct Clock {
    face: Arc<Face>,
}

#[derive(Debug)]
enum Face {
    /// The machine's time plus an offset in milliseconds.
    System(AtomicI64),
    /// A time in milliseconds since the epoch that moves only when told to.
    Manual(AtomicI64),
}

impl Clock {
    /// The machine's time. [`Clock::advance`] and [`Clock::set`] shift it; it goes on ticking afterwards.
    pub fn system() -> Self {
        Self { face: Arc::new(Face::System(AtomicI64::new(0))) }
    }

    /// A clock that stands still at `start` until it is moved.
    pub fn manual(start: SystemTime) -> Self {
        Self { face: Arc::new(Face::Manual(AtomicI64::new(since_epoch(start)))) }
    }

    /// The time now.
    pub fn now(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_micros(self.micros())
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        let (Face::System(cell) | Face::Manual(cell)) = &*self.face;
        cell.fetch_add(by, Ordering::SeqCst);
    }

    /// Sets the clock, backwards too.
    pub fn set(&self, time: SystemTime) {
        match &*self.face {
            Face::System(offset) => {
                offset.store(since_epoch(time) - machine_micros() / 1000, Ordering::SeqCst)
            }
            Face::Manual(cell) => cell.store(since_epoch(time), Ordering::SeqCst),
        }
    }

    /// The time now, in microseconds since the Unix epoch.
    pub fn micros(&self) -> u64 {
        let now = match &*self.face {
            Face::System(offset) => {
                machine_micros().saturating_add(offset.load(Ordering::SeqCst).saturating_mul(1000))
            }
            Face::Manual(cell) => cell.load(Ordering::SeqCst).saturating_mul(1000),
        };
        u64::try_from(now).unwrap_or(0)
    }

    pub(crate) fn millis(&self) -> Millis {
        self.micros() / 1000
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

pub(crate) fn as_millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place where the simulator reads the machine's clock"
)]
fn machine_micros() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

fn since_epoch(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_stands_still_until_it_is_moved() {
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(100));
        let same = clock.clone();
        assert_eq!(clock.millis(), 100_000);
        same.advance(Duration::from_millis(1_500));
        assert_eq!(clock.millis(), 101_500);
        clock.set(UNIX_EPOCH);
        assert_eq!(same.millis(), 0);
    }

    #[test]
    fn a_system_clock_can_be_shifted() {
        let clock = Clock::system();
        let before = clock.millis();
        clock.advance(Duration::from_secs(3_600));
        assert!(clock.millis() >= before + 3_600_000);
        clock.set(UNIX_EPOCH + Duration::from_secs(5));
        assert!((5_000..60_000).contains(&clock.millis()));
    }
}
