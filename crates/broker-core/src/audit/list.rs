//! Listing records.

use super::{ChainedRecord, Sealer};
use crate::BrokerError;
use crate::ports::AuditFilter;

impl Sealer {
    /// Seals what is written, and lists a page of records, newest first. They are as the store has them, not verified.
    pub async fn list(&self, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, BrokerError> {
        // A page after the first goes on where the one before ended: nothing new belongs to it.
        if filter.before.is_none() {
            self.seal_all().await?;
        }
        Ok(self.ledger.list(filter).await?)
    }
}
