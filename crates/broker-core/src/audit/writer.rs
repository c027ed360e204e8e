//! Writing what a recorder has taken.
//!
//! The pauses here are the machine's, not those of the injected clock: they share the store out, and decide nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::recorder::Shared;
use super::{Actor, AuditAction, KeptRecord};
use crate::Clock;
use crate::error::chain;
use crate::ports::{Ledger, StoreError};

/// Records written in one statement.
const AT_ONCE: usize = 1000;

/// The pause after a statement that was not full: so one commit serves many.
const PACE: Duration = Duration::from_millis(20);

/// The pause between statements with records of failures: a flood of them takes no more of the store than this.
const PACE_OF_FAILURES: Duration = Duration::from_millis(250);

/// The pause before a statement that failed is repeated.
const RETRY: Duration = Duration::from_millis(100);

/// How long what is left is tried once the process stops.
const LAST_MOMENT: Duration = Duration::from_secs(10);

/// Who hears whether a record was written.
type Written = Option<oneshot::Sender<bool>>;

/// What a recorder hands over.
pub(super) enum Entry {
    /// A record, and when it was taken.
    Record(Box<KeptRecord>, Instant, Written),
    /// To be answered when everything before it is written.
    Flush(oneshot::Sender<()>),
}

/// Writes the records of vends and of failures, each in a queue of its own.
pub struct Writers {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) shared: Arc<Shared>,
    pub(super) vends: mpsc::Receiver<Entry>,
    pub(super) failures: mpsc::Receiver<Entry>,
    pub(super) strict: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Vends,
    Failures,
}

struct Writer {
    ledger: Arc<dyn Ledger>,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    kind: Kind,
    /// Whether a record that cannot be written fails whoever waits for it, and is forgotten.
    once: bool,
}

/// Records that are written together.
#[derive(Default)]
struct Batch {
    records: Vec<KeptRecord>,
    /// When the first was taken.
    oldest: Option<Instant>,
    waiting: Vec<oneshot::Sender<bool>>,
    flushes: Vec<oneshot::Sender<()>>,
}

impl Writers {
    /// Writes until `stop`, and then what is left.
    pub async fn run(self, stop: CancellationToken) {
        let writer = |kind, once| Writer {
            ledger: self.ledger.clone(),
            clock: self.clock.clone(),
            shared: self.shared.clone(),
            kind,
            once,
        };
        let written = async {
            tokio::join!(
                writer(Kind::Vends, self.strict).run(self.vends, &stop),
                writer(Kind::Failures, false).run(self.failures, &stop),
            )
        };
        let too_late = async {
            stop.cancelled().await;
            tokio::time::sleep(LAST_MOMENT).await;
        };
        tokio::select! {
            _ = written => {}
            () = too_late => tracing::error!("audit records could not be written before the end, and are lost"),
        }
    }
}

impl Writer {
    async fn run(self, mut taken: mpsc::Receiver<Entry>, stop: &CancellationToken) {
        let mut entries = Vec::with_capacity(AT_ONCE);
        loop {
            if stop.is_cancelled() {
                taken.close();
            }
            let received = tokio::select! {
                count = taken.recv_many(&mut entries, AT_ONCE) => count,
                () = stop.cancelled(), if !taken.is_closed() => continue,
            };
            if received == 0 {
                return;
            }
            self.write(Batch::of(entries.drain(..))).await;
            self.pause(received, stop).await;
        }
    }

    /// Strict vends wait for each other's commit, and for nothing else.
    async fn pause(&self, written: usize, stop: &CancellationToken) {
        let pause = match self.kind {
            Kind::Failures => PACE_OF_FAILURES,
            Kind::Vends if self.once || written == AT_ONCE => return,
            Kind::Vends => PACE,
        };
        stop.run_until_cancelled(tokio::time::sleep(pause)).await;
    }

    async fn write(&self, mut batch: Batch) {
        let told = self.tell_of_dropped(&mut batch);
        if self.kind == Kind::Vends {
            self.shared.writing(batch.oldest);
        }
        let written = self.write_until_done(&batch.records).await;
        if self.kind == Kind::Vends {
            self.shared.writing(None);
        }
        self.count(batch.records.len() as u64, told, written);
        batch.answer(written);
    }

    async fn write_until_done(&self, records: &[KeptRecord]) -> bool {
        let mut complained = false;
        while !records.is_empty() {
            let Err(error) = self.ledger.append(records).await else { return true };
            if !std::mem::replace(&mut complained, true) {
                self.complain(&error, records.len());
            }
            if self.once {
                return false;
            }
            tokio::time::sleep(RETRY).await;
        }
        true
    }

    fn complain(&self, error: &StoreError, records: usize) {
        let what = if self.kind == Kind::Vends { "vends" } else { "failures" };
        tracing::error!(error = chain(error), records, what, "audit records cannot be written");
    }

    /// Puts a record before the others of how many were left out. Answers that number.
    fn tell_of_dropped(&self, batch: &mut Batch) -> u64 {
        if self.kind == Kind::Vends {
            return 0;
        }
        let dropped = self.shared.untold.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            let record = Actor::broker(AuditAction::DROP_RECORDS).did(None, self.clock.now());
            batch.records.insert(0, KeptRecord::from(&record.resource(format!("{dropped} records"))));
        }
        dropped
    }

    fn count(&self, records: u64, told: u64, written: bool) {
        match (self.kind, written) {
            (Kind::Vends, true) => self.shared.vends_written.fetch_add(records, Ordering::Relaxed),
            (Kind::Failures, true) => self.shared.failures_written.fetch_add(records, Ordering::Relaxed),
            (Kind::Vends, false) => return,
            (Kind::Failures, false) => {
                self.shared.drop_failures(records - u64::from(told > 0));
                self.shared.untold.fetch_add(told, Ordering::Relaxed)
            }
        };
    }
}

impl Batch {
    fn of(entries: impl Iterator<Item = Entry>) -> Self {
        let mut batch = Self::default();
        for entry in entries {
            match entry {
                Entry::Record(record, taken, written) => {
                    batch.oldest.get_or_insert(taken);
                    batch.records.push(*record);
                    batch.waiting.extend(written);
                }
                Entry::Flush(done) => batch.flushes.push(done),
            }
        }
        batch
    }

    /// Whoever has hung up is not told.
    fn answer(self, written: bool) {
        for waiting in self.waiting {
            let _ = waiting.send(written);
        }
        for flush in self.flushes {
            let _ = flush.send(());
        }
    }
}
