//! How long a connection lives: it must be used, it may be asked to leave, and it is cut if it does not.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::calls::Calls;

/// A connection without a call that was asked to leave has this long.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);

/// The times of every connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) first_call: Duration,
    pub(super) idle: Duration,
    pub(super) age: Duration,
    pub(super) grace: Duration,
}

/// One connection's life.
pub(super) struct Life {
    pub(super) times: Times,
    pub(super) calls: Calls,
    /// Cancelled: the connection is asked to leave, or has left.
    pub(super) leaving: CancellationToken,
    /// Cancelled: it is cut.
    pub(super) cut: CancellationToken,
}

impl Life {
    /// Minds the connection until it is cut.
    pub(super) async fn run(&self) {
        if !self.is_used().await {
            tracing::debug!("a connection without a call was cut");
            return self.cut.cancel();
        }
        tokio::select! {
            () = tokio::time::sleep(self.times.age) => {}
            () = self.calls.none_for(self.times.idle) => {}
            () = self.leaving.cancelled() => {}
        }
        self.leaving.cancel();
        tokio::select! {
            () = tokio::time::sleep(self.times.grace) => {}
            () = self.left_alone() => {}
        }
        self.cut.cancel();
    }

    /// Returns when it had its time to leave, and there is no call any more.
    async fn left_alone(&self) {
        tokio::time::sleep(LEAVE_WITHIN).await;
        self.calls.none_for(LEAVE_WITHIN).await;
    }

    /// Whether a call begins in time. One that is asked to leave before need not make any.
    async fn is_used(&self) -> bool {
        tokio::select! {
            () = self.calls.first() => true,
            () = self.leaving.cancelled() => true,
            () = tokio::time::sleep(self.times.first_call) => false,
        }
    }
}

/// Up to a tenth shorter, another share for each connection: those that came together do not come again together.
pub(super) fn spread(age: Duration, number: u32) -> Duration {
    let share = f64::from(number.wrapping_mul(0x9E37_79B9)) / f64::from(u32::MAX);
    age.mul_f64(1.0 - 0.1 * share)
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::*;

    fn life() -> Life {
        let seconds = Duration::from_secs;
        let times =
            Times { first_call: seconds(20), idle: seconds(900), age: seconds(3600), grace: seconds(60) };
        Life { times, calls: Calls::new(), leaving: CancellationToken::new(), cut: CancellationToken::new() }
    }

    #[tokio::test(start_paused = true)]
    async fn who_never_calls_is_cut_and_who_stops_calling_is_asked_to_leave_first() {
        let (silent, began) = (life(), Instant::now());
        silent.run().await;
        assert_eq!((began.elapsed().as_secs(), silent.cut.is_cancelled()), (20, true));
        assert!(!silent.leaving.is_cancelled());

        let (idle, began) = (life(), Instant::now());
        drop(idle.calls.begin());
        let minding = async {
            idle.leaving.cancelled().await;
            assert_eq!((began.elapsed().as_secs(), idle.cut.is_cancelled()), (900, false));
        };
        tokio::join!(idle.run(), minding);
        assert!(idle.cut.is_cancelled());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_under_way_has_the_grace_and_no_more() {
        let (used, began) = (life(), Instant::now());
        let call = used.calls.begin();
        used.run().await;
        assert_eq!(began.elapsed().as_secs(), 3660);
        drop(call);
    }

    #[test]
    fn ages_differ_by_a_tenth_at_most() {
        let age = Duration::from_secs(1000);
        let ages: Vec<_> = (0..100).map(|number| spread(age, number)).collect();
        assert!(ages.iter().all(|one| (Duration::from_secs(900)..=age).contains(one)), "{ages:?}");
        assert!(ages.iter().max().unwrap().as_secs() - ages.iter().min().unwrap().as_secs() > 90);
    }
}
