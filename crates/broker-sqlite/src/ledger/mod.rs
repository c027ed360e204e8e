//! The audit log: its inbox, its chains, and where they end.

mod inbox;
mod read;
mod rows;
mod seal;

use async_trait::async_trait;
use broker_core::ports::{AuditFilter, ChainEnd, InboxRecord, Ledger, Sealing, StoreError};
use broker_core::{ChainMark, ChainedRecord, KeptRecord};

use crate::SqliteStore;

#[async_trait]
impl Ledger for SqliteStore {
    async fn append(&self, records: &[KeptRecord]) -> Result<(), StoreError> {
        self.operation("append", inbox::append(&self.writer, records)).await
    }

    async fn unsealed(&self, limit: u32) -> Result<Vec<InboxRecord>, StoreError> {
        self.operation("unsealed", inbox::oldest(&self.readers, limit)).await
    }

    async fn ends(&self, chains: &[String]) -> Result<Vec<ChainEnd>, StoreError> {
        self.operation("ends", read::ends(&self.readers, chains)).await
    }

    async fn seal(&self, sealing: &Sealing) -> Result<bool, StoreError> {
        self.operation("seal", async {
            let mut tx = self.write().await?;
            let sealed = seal::seal(&mut tx, sealing).await?;
            if sealed {
                tx.commit().await.map_err(crate::operation::failed)?;
            }
            Ok(sealed)
        })
        .await
    }

    async fn begun(&self, chain: &str) -> Result<bool, StoreError> {
        self.operation("begun", read::begun(&self.readers, chain)).await
    }

    async fn lost_chain(&self) -> Result<Option<String>, StoreError> {
        self.operation("lost_chain", read::lost_chain(&self.readers)).await
    }

    async fn list(&self, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, StoreError> {
        self.operation("list", read::list(&self.readers, filter)).await
    }

    async fn chained(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainedRecord>, StoreError> {
        self.operation("chained", read::chained(&self.readers, chain, after, limit)).await
    }

    async fn checkpoints(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainMark>, StoreError> {
        self.operation("checkpoints", read::checkpoints(&self.readers, chain, after, limit)).await
    }
}
