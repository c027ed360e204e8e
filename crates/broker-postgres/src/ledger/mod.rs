//! The audit log: its inbox, its chains, and where they end.

mod inbox;
mod read;
mod rows;
mod seal;

use async_trait::async_trait;
use broker_core::ports::{AuditFilter, ChainEnd, InboxRecord, Ledger, Sealing, StoreError};
use broker_core::{ChainMark, ChainedRecord, KeptRecord};

use crate::PostgresStore;

#[async_trait]
impl Ledger for PostgresStore {
    async fn append(&self, records: &[KeptRecord]) -> Result<(), StoreError> {
        self.operation("append", inbox::append(&self.pools.vending, records)).await
    }

    async fn unsealed(&self, limit: u32) -> Result<Vec<InboxRecord>, StoreError> {
        self.operation("unsealed", inbox::oldest(&self.pools.consent, limit)).await
    }

    async fn ends(&self, chains: &[String]) -> Result<Vec<ChainEnd>, StoreError> {
        self.operation("ends", read::ends(&self.pools.consent, chains)).await
    }

    async fn seal(&self, sealing: &Sealing) -> Result<bool, StoreError> {
        self.operation("seal", seal::seal(&self.pools.consent, sealing)).await
    }

    async fn begun(&self, chain: &str) -> Result<bool, StoreError> {
        self.operation("begun", read::begun(&self.pools.consent, chain)).await
    }

    async fn lost_chain(&self) -> Result<Option<String>, StoreError> {
        self.operation("lost_chain", read::lost_chain(&self.pools.consent)).await
    }

    async fn list(&self, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, StoreError> {
        self.operation("list", read::list(&self.pools.consent, filter)).await
    }

    async fn chained(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainedRecord>, StoreError> {
        self.operation("chained", read::chained(&self.pools.consent, chain, after, limit)).await
    }

    async fn checkpoints(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainMark>, StoreError> {
        self.operation("checkpoints", read::checkpoints(&self.pools.consent, chain, after, limit)).await
    }
}
