//! Reading the log, event by event.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::{Event, EventFeed};
use crate::ports::EventFilter;
use crate::{BrokerError, FieldViolation, Timestamp};

/// Events read at once: what a slow reader makes the process hold.
const PAGE: u32 = 200;

/// How long an idle stream stays silent.
const BOOKMARK_EVERY: Duration = Duration::from_secs(30);

/// What a reader sees next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// An event.
    Event(Box<Event>),
    /// Nothing before this place is left to be seen.
    Bookmark {
        /// The place to go on from.
        next: u64,
    },
}

/// A reader's place in the log.
pub struct EventWatch {
    feed: Arc<EventFeed>,
    filter: EventFilter,
    newest: watch::Receiver<u64>,
    read: VecDeque<Event>,
    /// The last place that was read.
    after: u64,
    bookmark_at: Timestamp,
}

impl EventWatch {
    pub(super) async fn new(
        feed: Arc<EventFeed>,
        filter: EventFilter,
        from: Option<u64>,
        newest: watch::Receiver<u64>,
    ) -> Result<Self, BrokerError> {
        let bounds = feed.store.events_after(&filter, u64::MAX >> 1, 1).await?;
        let after = match from {
            None => bounds.newest,
            Some(0) => bounds.oldest - 1,
            Some(from) if from < bounds.oldest => return Err(BrokerError::EventsForgotten(bounds.oldest)),
            Some(from) if from > bounds.newest + 1 => return Err(beyond(bounds.newest)),
            Some(from) => from - 1,
        };
        let now = feed.clock.now();
        // Who asks for what is new learns at once where that begins.
        let bookmark_at = if from.is_none() { now } else { now + BOOKMARK_EVERY };
        Ok(Self { feed, filter, newest, read: VecDeque::new(), after, bookmark_at })
    }

    /// The next event, or a bookmark after a while without one. Dropped before it is over, it loses nothing.
    pub async fn next(&mut self) -> Result<Seen, BrokerError> {
        loop {
            if let Some(event) = self.read.pop_front() {
                self.bookmark_at = self.feed.clock.now() + BOOKMARK_EVERY;
                return Ok(Seen::Event(Box::new(event)));
            }
            self.newest.mark_unchanged();
            if self.read_on().await? {
                continue;
            }
            if self.feed.clock.now() >= self.bookmark_at {
                self.bookmark_at = self.feed.clock.now() + BOOKMARK_EVERY;
                return Ok(Seen::Bookmark { next: self.after + 1 });
            }
            self.wait().await?;
        }
    }

    /// Whether there was something to read.
    async fn read_on(&mut self) -> Result<bool, BrokerError> {
        let page = self.feed.store.events_after(&self.filter, self.after, PAGE).await?;
        if self.after + 1 < page.oldest {
            return Err(BrokerError::EventsForgotten(page.oldest));
        }
        let is_full = page.events.len() >= PAGE as usize;
        self.after = match page.events.last() {
            Some(last) if is_full => last.sequence,
            _ => page.newest.max(self.after),
        };
        self.read = page.events.into();
        Ok(!self.read.is_empty())
    }

    async fn wait(&mut self) -> Result<(), BrokerError> {
        tokio::select! {
            changed = self.newest.changed() => {
                changed.map_err(|_| BrokerError::Internal("the feed of events is gone".into()))
            }
            () = self.feed.clock.sleep_until(self.bookmark_at) => Ok(()),
        }
    }
}

fn beyond(newest: u64) -> BrokerError {
    let problem = format!(
        "is beyond the newest event, {newest}: it is of another log, or of one that was put back; begin anew with 0"
    );
    BrokerError::InvalidRequest(vec![FieldViolation::new("from_sequence", problem)])
}
