//! How many rotations one provider may have in flight: what its due rate needs (rule 14).

use std::time::Duration;

use crate::Timestamp;

/// No provider is held to less.
pub(super) const FLOOR: usize = 4;

/// Before the first answer.
const GUESSED_LATENCY: Duration = Duration::from_secs(1);

/// Without an answer for so long, or four times its latency, a provider that is being called counts as hanging.
const SILENCE: Duration = Duration::from_secs(2);

/// A rate once seen is given up at this pace, tick by tick: due times come in bursts.
const RATE_KEPT: f64 = 0.9;

/// A provider with less due per second counts as idle.
const IDLE: f64 = 0.01;

/// How much one answer moves the latency.
const NEWS: f64 = 0.1;

/// Rate and latency of one provider, as the scheduler sees them.
#[derive(Debug)]
pub(super) struct Share {
    per_second: f64,
    latency: Duration,
    answered_at: Option<Timestamp>,
    in_flight: usize,
    ticked_at: Option<Timestamp>,
    /// Since then.
    started: usize,
}

impl Share {
    pub(super) fn new() -> Self {
        Self {
            per_second: 0.0,
            latency: GUESSED_LATENCY,
            answered_at: None,
            in_flight: 0,
            ticked_at: None,
            started: 0,
        }
    }

    /// So many grants are due until the next tick, beside those started since the last one.
    pub(super) fn seen(&mut self, due: usize, tick: Duration, now: Timestamp) {
        if self.ticked_at.is_none_or(|ticked| now.since(ticked) >= tick) {
            self.ticked_at = Some(now);
            self.started = 0;
            self.per_second *= RATE_KEPT;
        }
        let rate = (due + self.started) as f64 / tick.as_secs_f64().max(f64::EPSILON);
        self.per_second = self.per_second.max(rate);
    }

    pub(super) fn started(&mut self) {
        self.started += 1;
        self.in_flight += 1;
    }

    /// A rotation ended; `answered` if the provider had a say in it.
    pub(super) fn landed(&mut self, took: Duration, answered: bool, now: Timestamp) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if answered {
            self.latency = match self.answered_at {
                Some(_) => self.latency.mul_f64(1.0 - NEWS) + took.mul_f64(NEWS),
                None => took,
            };
            self.answered_at = Some(now);
        }
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Has had work lately.
    pub(super) fn is_busy(&self) -> bool {
        self.per_second > IDLE || self.in_flight > 0
    }

    /// The most that may be in flight: rate x latency x 1.5 (Little's law), and the floor while nothing is known of
    /// the provider or it hangs. So neither its backlog nor its time-outs win it the slots of others.
    pub(super) fn cap(&self, now: Timestamp, most: usize) -> usize {
        let need = (self.per_second * self.latency.as_secs_f64() * 1.5).ceil();
        match self.hangs(now) {
            true => FLOOR.min(most),
            // Never wraps: a float is clamped when it is cast.
            false => (need as usize).max(FLOOR).min(most),
        }
    }

    fn hangs(&self, now: Timestamp) -> bool {
        let patience = SILENCE.max(4 * self.latency);
        self.answered_at.is_none_or(|answered| now.since(answered) > patience)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::samples::at;
    use super::*;

    const TICK: Duration = Duration::from_secs(1);

    fn answering(latency: Duration) -> Share {
        let mut share = Share::new();
        share.started();
        share.landed(latency, true, at(0));
        share
    }

    proptest! {
        #[test]
        fn the_cap_lies_between_the_floor_and_the_most(
            due in 0usize..1_000_000, millis in 0u64..100_000, later in 0i64..100, most in 1usize..500
        ) {
            let mut share = answering(Duration::from_millis(millis));
            share.seen(due, TICK, at(0));
            let cap = share.cap(at(later), most);
            prop_assert!(cap <= most && cap >= FLOOR.min(most));
        }
    }

    #[test]
    fn a_hundred_a_second_at_200_ms_need_thirty() {
        let mut share = answering(Duration::from_millis(200));
        share.seen(100, TICK, at(0));
        assert_eq!(share.cap(at(1), 64), 30);
    }

    #[test]
    fn what_is_read_in_several_pages_of_one_tick_counts_together() {
        let mut share = answering(Duration::from_millis(200));
        share.seen(0, TICK, at(0));
        for _ in 0..50 {
            share.seen(1, TICK, at(0));
            share.started();
            share.landed(Duration::from_millis(200), true, at(0));
        }
        share.seen(50, TICK, at(0));
        assert_eq!(share.cap(at(0), 64), 30);
    }

    #[test]
    fn a_provider_that_hangs_falls_back_to_the_floor_whatever_is_due() {
        let mut share = answering(Duration::from_millis(200));
        share.seen(1000, TICK, at(0));
        assert_eq!(share.cap(at(2), 64), 64);
        assert_eq!(share.cap(at(3), 64), FLOOR);
        share.started();
        share.landed(Duration::from_secs(30), false, at(33));
        assert_eq!(share.cap(at(33), 64), FLOOR, "a time-out is no latency");
    }
}
