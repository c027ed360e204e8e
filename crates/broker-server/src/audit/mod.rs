//! The audit log of this process: who records, who seals, and where records are told besides.

mod stdout;

use std::sync::Arc;

use broker_core::ports::Ledger;
use broker_core::{AuditKeys, AuditRecord, AuditSink, BrokerError, KeptRecord, Recorder, Sealer, Writers};
use tokio_util::sync::CancellationToken;

use self::stdout::StandardOutput;
use crate::config::AuditConfig;
use crate::store::Store;

/// What handlers and metrics need of the audit log.
#[derive(Clone)]
pub(crate) struct Audit {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) sealer: Arc<Sealer>,
    ledger: Arc<dyn Ledger>,
    /// Whether this process seals. One that only vends holds no key for it.
    seals: bool,
}

impl Audit {
    /// The audit log in `store`, and who writes it.
    pub(crate) fn open(config: &AuditConfig, store: &Store, keys: AuditKeys, seals: bool) -> (Self, Writers) {
        let sink = config.stdout.then(|| Arc::new(StandardOutput) as Arc<dyn AuditSink>);
        let (recorder, writers) = Recorder::new(store.ledger(), keys.clone(), config.recorder());
        let sealer = Arc::new(Sealer::new(store.ledger(), keys, sink));
        (Self { recorder, sealer, ledger: store.ledger(), seals }, writers)
    }

    /// Opens the keys that this process needs, before it serves.
    pub(crate) async fn open_keys(&self) -> Result<(), BrokerError> {
        self.recorder.open().await?;
        if self.seals { self.sealer.open().await } else { Ok(()) }
    }

    /// Writes the record of what was done, where no transaction of its own could carry it.
    pub(crate) async fn write(&self, record: &AuditRecord) -> Result<(), BrokerError> {
        Ok(self.ledger.append(&[KeptRecord::from(record)]).await?)
    }

    /// Writes and seals until `stop`; then what is left, in this order.
    pub(crate) async fn run(self, writers: Writers, stop: CancellationToken) {
        let written = CancellationToken::new();
        let writing = async {
            writers.run(stop).await;
            written.cancel();
        };
        match self.seals {
            true => drop(tokio::join!(writing, self.sealer.run(written.clone()))),
            false => writing.await,
        }
    }
}
