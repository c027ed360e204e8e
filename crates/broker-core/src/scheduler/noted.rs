//! Who was asked for, lately: noted in memory on the vend path, written down in batches.

use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use quick_cache::sync::Cache;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::GrantStore;
use crate::schedule::note_every;
use crate::{Broker, Clock, GrantKey, Timestamp};

/// How often notes are written down.
const FLUSH_EVERY: Duration = Duration::from_secs(60);

/// How many notes one write holds.
const BATCH: usize = 1000;

/// Notes kept until they are written. More grants than this within a minute are noted when they are asked for again.
const MOST_NOTES: usize = 100_000;

/// Grants whose last note is remembered, so that it is not made again too soon.
const REMEMBERED: usize = 100_000;

/// Notes of when grants were asked for. Bounded, and never more than one for a grant within `every`.
pub(crate) struct Noted {
    every: Duration,
    lately: Cache<GrantKey, Timestamp>,
    waiting: Mutex<HashMap<GrantKey, Timestamp>>,
}

impl Noted {
    /// Notes often enough to tell who was asked for within `warm_for`.
    pub(crate) fn new(warm_for: Duration) -> Self {
        Self { every: note_every(warm_for), lately: Cache::new(REMEMBERED), waiting: Mutex::default() }
    }

    /// A caller asked for this grant. Cheap: a look-up, and once in a while a note in memory.
    pub(crate) fn asked(&self, key: &GrantKey, now: Timestamp) {
        if self.lately.get(key).is_some_and(|noted| now.since(noted) < self.every) {
            return;
        }
        let mut waiting = self.waiting();
        if waiting.len() < MOST_NOTES || waiting.contains_key(key) {
            waiting.insert(key.clone(), now);
            drop(waiting);
            self.lately.insert(key.clone(), now);
        }
    }

    /// When a caller last asked for this grant, as far as this process remembers: ahead of what is written down.
    pub(crate) fn last_asked(&self, key: &GrantKey) -> Option<Timestamp> {
        self.lately.get(key)
    }

    /// Writes notes down every minute until `stop`, and what is left then.
    pub(crate) async fn run(&self, store: &dyn GrantStore, clock: &dyn Clock, stop: &CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return self.flush(store).await,
                () = clock.sleep_until(clock.now() + FLUSH_EVERY) => self.flush(store).await,
            }
        }
    }

    async fn flush(&self, store: &dyn GrantStore) {
        let notes = self.take();
        for (written, batch) in notes.chunks(BATCH).enumerate() {
            if let Err(error) = store.note_asked(batch).await {
                tracing::warn!(error = chain(&error), "it could not be noted which grants were asked for");
                return self.put_back(&notes[written * BATCH..]);
            }
        }
    }

    fn take(&self) -> Vec<(GrantKey, Timestamp)> {
        let mut notes: Vec<_> = mem::take(&mut *self.waiting()).into_iter().collect();
        // Writers that lock rows in one order do not wait for each other in a circle.
        notes.sort_unstable();
        notes
    }

    /// For the next flush, behind what was noted since.
    fn put_back(&self, notes: &[(GrantKey, Timestamp)]) {
        let mut waiting = self.waiting();
        for (key, at) in notes.iter().take(MOST_NOTES.saturating_sub(waiting.len())) {
            waiting.entry(key.clone()).or_insert(*at);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<GrantKey, Timestamp>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Broker {
    /// When a grant was last wanted: asked for, as the store or this process knows, or consented to.
    pub(crate) fn wanted_at(
        &self,
        key: &GrantKey,
        asked_at: Option<Timestamp>,
        consented_at: Timestamp,
    ) -> Timestamp {
        asked_at.max(self.noted.last_asked(key)).map_or(consented_at, |asked| asked.max(consented_at))
    }

    /// Writes down every minute which grants were asked for, until `stop`, and what is left then.
    pub async fn run_notes(self: Arc<Self>, stop: CancellationToken) {
        self.noted.run(self.grants.as_ref(), self.clock.as_ref(), &stop).await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, key};
    use super::*;

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn a_grant_is_noted_once_an_hour_however_often_it_is_asked_for() {
        let noted = Noted::new(DAY);
        let ada = key("t", "p", "ada");
        let flushed: usize = (0..7200)
            .map(|second| {
                noted.asked(&ada, at(second));
                if second % 60 == 59 { noted.take().len() } else { 0 }
            })
            .sum();
        assert_eq!(flushed, 2);
    }

    #[test]
    fn notes_that_were_not_written_wait_for_the_next_flush_and_yield_to_newer_ones() {
        let noted = Noted::new(DAY);
        let (ada, bob) = (key("t", "p", "ada"), key("t", "p", "bob"));
        noted.asked(&ada, at(0));
        noted.asked(&bob, at(1));
        let failed = noted.take();
        noted.asked(&ada, at(4000));
        noted.put_back(&failed);
        assert_eq!(noted.take(), [(ada, at(4000)), (bob, at(1))]);
    }

    #[test]
    fn memory_is_bounded_and_what_was_passed_over_is_noted_later() {
        let noted = Noted::new(DAY);
        for user in 0..MOST_NOTES + 10 {
            noted.asked(&key("t", "p", &user.to_string()), at(0));
        }
        assert_eq!(noted.take().len(), MOST_NOTES);
        let passed_over = key("t", "p", &MOST_NOTES.to_string());
        noted.asked(&passed_over, at(1));
        assert_eq!(noted.take(), [(passed_over, at(1))]);
    }
}
