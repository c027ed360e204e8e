//! Recording what callers got and did not get: into memory on the way of a call, into the store right after.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use broker_crypto::{KeyPurpose, MacKey};
use tokio::sync::{OnceCell, mpsc, oneshot};
use tokio::time::Instant;

use super::keys::AuditKeys;
use super::writer::{Entry, Writers};
use super::{
    Actor, AuditRecord, KeptRecord, RecorderCount, RecorderSettings, TokenFingerprint, VendRecording,
};
use crate::ports::Ledger;
use crate::{BrokerError, Clock, MachineCredential, Timestamp, Vended, VendedMachineCredential};

/// Records of failures that may wait. They are left out rather than waited for: a flood of them must not stop vending.
const FAILURES_WAITING: usize = 5000;

/// How long a reader waits for what was recorded before to be written.
const FLUSH: Duration = Duration::from_secs(2);

/// Bytes of a purpose, a resource or an action that are kept.
const LONGEST: [usize; 3] = [256, 1024, 256];

/// Takes records of vends and of failures.
pub struct Recorder {
    vends: mpsc::Sender<Entry>,
    failures: mpsc::Sender<Entry>,
    shared: Arc<Shared>,
    keys: AuditKeys,
    key: OnceCell<MacKey>,
    clock: Arc<dyn Clock>,
    settings: RecorderSettings,
}

/// What a recorder and its writers have in common.
#[derive(Debug)]
pub(super) struct Shared {
    began: Instant,
    /// When the oldest vend was recorded that is being written, in microseconds since `began`; `u64::MAX` if none is.
    ///
    /// Of the machine's steady clock: a clock that is set forward must not look like a store that is slow.
    writing_since: AtomicU64,
    pub(super) vends_written: AtomicU64,
    pub(super) failures_written: AtomicU64,
    /// In all, and those of them that no record tells of yet.
    pub(super) dropped: AtomicU64,
    pub(super) untold: AtomicU64,
    refused: AtomicU64,
}

/// Why no token is given.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unrecorded {
    #[error("audit records cannot be written: {0} wait, more than may")]
    Full(usize),
    #[error("an audit record waits to be written for {} s, longer than it may", .0.as_secs())]
    TooOld(Duration),
    #[error("the audit record of a token could not be written")]
    Lost,
}

impl From<Unrecorded> for BrokerError {
    fn from(why: Unrecorded) -> Self {
        Self::BackendUnavailable(Box::new(why))
    }
}

impl Recorder {
    /// A recorder, and who writes what it takes. Whoever makes it runs [`Writers::run`].
    pub fn new(ledger: Arc<dyn Ledger>, keys: AuditKeys, settings: RecorderSettings) -> (Arc<Self>, Writers) {
        let (vends, vends_taken) = mpsc::channel(settings.waiting);
        let (failures, failures_taken) = mpsc::channel(FAILURES_WAITING);
        let shared = Arc::new(Shared::default());
        let clock = keys.clock.clone();
        let writers = Writers {
            ledger,
            clock: clock.clone(),
            shared: shared.clone(),
            vends: vends_taken,
            failures: failures_taken,
            strict: settings.vends == VendRecording::Strict,
        };
        let recorder = Self { vends, failures, shared, keys, key: OnceCell::new(), clock, settings };
        (Arc::new(recorder), writers)
    }

    /// Opens the key of fingerprints, which is made if there is none. Called at start: who vends later need not wait for
    /// whoever holds the key encryption keys.
    pub async fn open(&self) -> Result<(), BrokerError> {
        self.opened().await.map(drop)
    }

    async fn opened(&self) -> Result<&MacKey, BrokerError> {
        self.key.get_or_try_init(|| self.keys.kept_or_made(KeyPurpose::Access)).await
    }

    /// Whether a vend could be recorded now. Asked before there is anything to vend.
    pub fn accepts_vends(&self) -> Result<(), BrokerError> {
        self.not_behind().map_err(|why| self.refuse(why))
    }

    /// Records that a token is given. Fails with `BackendUnavailable` where it must not be.
    pub async fn vended(&self, actor: &Actor, vended: &Vended, purpose: &str) -> Result<(), BrokerError> {
        let record = self.vend_of(actor, vended).await?;
        self.give(AuditRecord { purpose: purpose.to_owned(), ..record }).await
    }

    /// Records that a token is given to who reported one; `report` says what. Fails likewise.
    pub async fn reported(&self, actor: &Actor, vended: &Vended, report: String) -> Result<(), BrokerError> {
        let record = self.vend_of(actor, vended).await?;
        self.give(record.resource(report)).await
    }

    async fn vend_of(&self, actor: &Actor, vended: &Vended) -> Result<AuditRecord, BrokerError> {
        self.accepts_vends()?;
        let key = &vended.grant.grant.key;
        Ok(AuditRecord {
            generation: Some(vended.grant.grant.generation),
            token: Some(self.fingerprint(key.tenant.as_str(), vended.access_token.expose()).await?),
            ..actor.did(Some(&key.tenant), self.clock.now()).about(key)
        })
    }

    /// The same for what a machine credential gives: of an API key the secret half is told apart.
    pub async fn machine_credential_vended(
        &self,
        actor: &Actor,
        vended: &VendedMachineCredential,
        purpose: &str,
    ) -> Result<(), BrokerError> {
        self.accepts_vends()?;
        let key = vended.key();
        let record = AuditRecord {
            generation: Some(vended.generation()),
            purpose: purpose.to_owned(),
            token: Some(self.fingerprint(key.tenant.as_str(), vended.expose()).await?),
            resource: MachineCredential::RESOURCE.to_owned(),
            ..actor.did(Some(&key.tenant), self.clock.now()).about(key)
        };
        self.give(record).await
    }

    async fn give(&self, record: AuditRecord) -> Result<(), BrokerError> {
        match self.settings.vends {
            VendRecording::Bounded => self.take(Entry::Record(kept(&record), Instant::now(), None)),
            VendRecording::Strict => {
                let (written, outcome) = oneshot::channel();
                self.take(Entry::Record(kept(&record), Instant::now(), Some(written)))?;
                match outcome.await {
                    Ok(true) => Ok(()),
                    _ => Err(self.refuse(Unrecorded::Lost)),
                }
            }
        }
    }

    /// Records that a call was denied or has failed. Never waits; what is too much is counted and left out.
    pub fn refused(&self, record: &AuditRecord) {
        if self.failures.try_send(Entry::Record(kept(record), Instant::now(), None)).is_err() {
            self.shared.drop_failures(1);
        }
    }

    /// Waits until what was recorded before is written, or a moment is over.
    pub async fn flush(&self) -> Result<(), BrokerError> {
        let flushed = async {
            for queue in [&self.vends, &self.failures] {
                let (done, written) = oneshot::channel();
                // Closed means that everything was written.
                if queue.send(Entry::Flush(done)).await.is_ok() {
                    let _ = written.await;
                }
            }
        };
        // The machine's time, not the injected clock's: a store that hangs is bounded so, and nothing is decided by it.
        let flushed = tokio::time::timeout(FLUSH, flushed).await;
        flushed.map_err(|_| Unrecorded::TooOld(FLUSH).into())
    }

    /// The present time, for records.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What it has done so far.
    pub fn counts(&self) -> RecorderCount {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        RecorderCount {
            vends_written: read(&self.shared.vends_written),
            vends_waiting: (self.settings.waiting - self.vends.capacity()) as u64,
            vends_refused: read(&self.shared.refused),
            failures_written: read(&self.shared.failures_written),
            failures_dropped: read(&self.shared.dropped),
        }
    }

    fn take(&self, entry: Entry) -> Result<(), BrokerError> {
        self.vends.try_send(entry).map_err(|_| self.refuse(Unrecorded::Full(self.settings.waiting)))
    }

    fn not_behind(&self) -> Result<(), Unrecorded> {
        let waits = self.shared.waits();
        if waits > self.settings.patience {
            return Err(Unrecorded::TooOld(waits));
        }
        if self.vends.capacity() == 0 {
            return Err(Unrecorded::Full(self.settings.waiting));
        }
        Ok(())
    }

    fn refuse(&self, why: Unrecorded) -> BrokerError {
        self.shared.refused.fetch_add(1, Ordering::Relaxed);
        why.into()
    }

    async fn fingerprint(&self, tenant: &str, token: &str) -> Result<TokenFingerprint, BrokerError> {
        let key = self.opened().await?;
        Ok(TokenFingerprint(key.code(&[tenant.as_bytes(), token.as_bytes()])))
    }
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            writing_since: AtomicU64::new(u64::MAX),
            vends_written: AtomicU64::new(0),
            failures_written: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            untold: AtomicU64::new(0),
            refused: AtomicU64::new(0),
        }
    }
}

impl Shared {
    /// Notes that a vend recorded then, and what came after it, is being written; `None` that nothing is.
    pub(super) fn writing(&self, oldest: Option<Instant>) {
        let since = oldest.map_or(u64::MAX, |oldest| micros(oldest.saturating_duration_since(self.began)));
        self.writing_since.store(since, Ordering::Release);
    }

    /// How long the oldest vend that is being written has waited.
    fn waits(&self) -> Duration {
        match self.writing_since.load(Ordering::Acquire) {
            u64::MAX => Duration::ZERO,
            since => self.began.elapsed().saturating_sub(Duration::from_micros(since)),
        }
    }

    pub(super) fn drop_failures(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
        self.untold.fetch_add(count, Ordering::Relaxed);
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}

/// The columns of a record. What callers wrote is cut to what may be, so that no record is refused by the store.
fn kept(record: &AuditRecord) -> Box<KeptRecord> {
    let mut kept = Box::new(KeptRecord::from(record));
    let texts = [&mut kept.purpose, &mut kept.resource, &mut kept.action];
    for (text, longest) in texts.into_iter().zip(LONGEST) {
        text.retain(|letter| !letter.is_control());
        text.truncate(text.floor_char_boundary(longest));
    }
    kept
}
