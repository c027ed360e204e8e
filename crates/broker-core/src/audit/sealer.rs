//! Moving records from the inbox to their chains.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use broker_crypto::KeyPurpose;
use tokio::sync::{Mutex, OnceCell};
use tokio_util::sync::CancellationToken;

use super::chain::ChainKey;
use super::keys::AuditKeys;
use super::sealing::{Planning, by_chain, is_empty};
use super::seen::SeenHeads;
use super::sink::AuditSink;
use super::{AuditCount, INSTALLATION};
use crate::error::chain;
use crate::ports::{InboxRecord, Ledger, Sealing};
use crate::{BrokerError, Clock, Timestamp};

/// How often the inbox is looked into: so long a record is not protected by its chain.
const EVERY: Duration = Duration::from_secs(1);

/// Records sealed in one step.
const AT_ONCE: u32 = 1000;

/// Steps made for one caller who wants to read what was written: more than the busiest inbox holds.
const STEPS: u32 = 200;

/// What a step leaves in the inbox.
#[derive(PartialEq, Eq)]
enum Inbox {
    Empty,
    MayHoldMore,
}

/// Seals records, and knows the key to verify them with.
pub struct Sealer {
    pub(super) ledger: Arc<dyn Ledger>,
    pub(super) seen: SeenHeads,
    keys: AuditKeys,
    sink: Option<Arc<dyn AuditSink>>,
    clock: Arc<dyn Clock>,
    key: OnceCell<ChainKey>,
    /// Held during a step: two of this process would only race.
    step: Mutex<()>,
    sealed: AtomicU64,
    /// When the oldest record of the inbox was made; `i64::MAX` while it is empty.
    oldest: AtomicI64,
}

impl Sealer {
    /// Seals what `ledger` keeps, and tells it to `sink`.
    pub fn new(ledger: Arc<dyn Ledger>, keys: AuditKeys, sink: Option<Arc<dyn AuditSink>>) -> Self {
        Self {
            ledger,
            clock: keys.clock.clone(),
            keys,
            sink,
            seen: SeenHeads::default(),
            key: OnceCell::new(),
            step: Mutex::default(),
            sealed: AtomicU64::new(0),
            oldest: AtomicI64::new(i64::MAX),
        }
    }

    /// Seals every second until `stop`, and once more then.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut failed_before = false;
        loop {
            let last = stop.is_cancelled();
            let sealed = self.seal_all().await;
            match &sealed {
                Err(error) if !failed_before => {
                    tracing::error!(
                        error = chain(error),
                        "audit records cannot be chained; they are kept until they can"
                    );
                }
                Ok(()) if failed_before => tracing::info!("audit records are chained again"),
                _ => {}
            }
            failed_before = sealed.is_err();
            if last {
                return;
            }
            let next = self.clock.sleep_until(self.clock.now() + EVERY);
            stop.run_until_cancelled(next).await;
        }
    }

    /// Seals what is in the inbox now.
    pub async fn seal_all(&self) -> Result<(), BrokerError> {
        for _ in 0..STEPS {
            if self.seal_some().await? == Inbox::Empty {
                return Ok(());
            }
        }
        Ok(())
    }

    /// How many records this process has sealed, and how often it found a chain shorter than it was.
    pub fn counts(&self) -> AuditCount {
        AuditCount {
            sealed: self.sealed.load(Ordering::Relaxed),
            heads_gone_back: self.seen.times_shouted(),
            oldest_unsealed: Some(self.oldest.load(Ordering::Relaxed))
                .filter(|at| *at != i64::MAX)
                .map(Timestamp::from_unix_micros),
        }
    }

    /// The key of every chain. The first time ever it is made, and kept with the first record in one step.
    /// Opens the key of hashes, and begins the log if there is none. Called at start.
    pub async fn open(&self) -> Result<(), BrokerError> {
        self.key().await.map(drop)
    }

    pub(super) async fn key(&self) -> Result<&ChainKey, BrokerError> {
        self.key.get_or_try_init(|| self.kept_or_begun()).await
    }

    async fn kept_or_begun(&self) -> Result<ChainKey, BrokerError> {
        if let Some(key) = self.keys.kept(KeyPurpose::Rotation).await? {
            return Ok(ChainKey(key));
        }
        let (wrapped, key) = self.keys.fresh(KeyPurpose::Rotation).await?;
        let (key, now) = (ChainKey(key), self.clock.now());
        let genesis = Planning { key: &key, seen: &self.seen, now }.genesis();
        let sealing = Sealing { key: Some((wrapped, now)), ..genesis };
        if self.ledger.seal(&sealing).await? {
            self.settle(&sealing).await;
            return Ok(key);
        }
        let key = self.keys.kept(KeyPurpose::Rotation).await?;
        key.map(ChainKey).ok_or_else(|| BrokerError::Internal("the audit log has a head and no key".into()))
    }

    async fn seal_some(&self) -> Result<Inbox, BrokerError> {
        let _step = self.step.lock().await;
        let key = self.key().await?;
        let inbox = self.ledger.unsealed(AT_ONCE).await?;
        let oldest = inbox.first().map_or(i64::MAX, |first| first.record.at);
        self.oldest.store(oldest, Ordering::Relaxed);
        if inbox.is_empty() {
            return Ok(Inbox::Empty);
        }
        let all = inbox.len() < AT_ONCE as usize;
        let sealing = self.plan(key, inbox).await?;
        // If not, another replica has sealed them, or some: the next step sees what is left.
        let sealed = self.ledger.seal(&sealing).await?;
        if sealed {
            self.settle(&sealing).await;
        }
        Ok(if sealed && all { Inbox::Empty } else { Inbox::MayHoldMore })
    }

    async fn plan(&self, key: &ChainKey, inbox: Vec<InboxRecord>) -> Result<Sealing, BrokerError> {
        let planning = Planning { key, seen: &self.seen, now: self.clock.now() };
        let (inbox, mut chains) = by_chain(inbox);
        let names: Vec<String> = chains.keys().cloned().collect();
        let ends = self.ledger.ends(&names).await?;
        let mut begun = Vec::new();
        for end in ends.iter().filter(|end| is_empty(end) && end.chain != INSTALLATION) {
            if !self.ledger.begun(&end.chain).await? {
                begun.push(end.chain.clone());
            }
        }
        let beginnings = begun.iter().map(|chain| planning.beginning(chain));
        chains.entry(INSTALLATION.to_owned()).or_default().splice(0..0, beginnings);
        let mut sealing = Sealing { inbox, ..Sealing::default() };
        for end in ends {
            let Some(records) = chains.remove(&end.chain).filter(|records| !records.is_empty()) else {
                continue;
            };
            let next = planning.next(&end, begun.contains(&end.chain));
            planning.append(&mut sealing, end, next, records);
        }
        Ok(sealing)
    }

    async fn settle(&self, sealing: &Sealing) {
        for (_, head) in &sealing.heads {
            self.seen.remember(head);
        }
        self.sealed.fetch_add(sealing.records.len() as u64, Ordering::Relaxed);
        if let Some(sink) = &self.sink {
            sink.tell(&sealing.records, &sealing.checkpoints).await;
        }
    }
}
