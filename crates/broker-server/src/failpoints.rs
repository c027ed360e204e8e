//! Ways to break the broker on purpose, to see that the tests of crashes would notice. Compiled with the feature
//! `failpoints` only, which no shipped binary has.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use broker_core::EscrowId;
use broker_core::ports::{Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, Keep};
use broker_escrow::FileEscrow;

/// Names one: `escrow.skip` forgets to write answers to the journal, `panic.TASK` has that task panic once.
const VARIABLE: &str = "TOKEN_BROKER_FAILPOINT";

/// The journal, or one that only says it wrote.
pub(crate) fn escrow(escrow: FileEscrow) -> Arc<dyn Escrow> {
    match std::env::var(VARIABLE).as_deref() {
        Ok("escrow.skip") => {
            tracing::error!("{VARIABLE}: answers are not written to the journal");
            Arc::new(ForgetfulEscrow(escrow))
        }
        _ => Arc::new(escrow),
    }
}

/// Panics the first time that this task gets here, if that is asked for.
#[expect(clippy::panic, reason = "that is what it is for")]
pub(crate) fn trip(task: &'static str) {
    static TRIPPED: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    let asked = std::env::var(VARIABLE).is_ok_and(|named| named.strip_prefix("panic.") == Some(task));
    if asked && TRIPPED.lock().unwrap_or_else(PoisonError::into_inner).insert(task) {
        panic!("asked for by {VARIABLE}, with a s3cret in it");
    }
}

struct ForgetfulEscrow(FileEscrow);

#[async_trait]
impl Escrow for ForgetfulEscrow {
    fn id(&self) -> EscrowId {
        Escrow::id(&self.0)
    }

    async fn reserve(&self) -> Result<(), EscrowError> {
        self.0.reserve().await
    }

    async fn append(&self, _: &EscrowRecord, _: Durability) -> Result<(), EscrowError> {
        Ok(())
    }

    async fn records(&self) -> Result<EscrowRecords, EscrowError> {
        self.0.records().await
    }

    async fn compact(&self, keep: &Keep) -> Result<(), EscrowError> {
        self.0.compact(keep).await
    }
}
