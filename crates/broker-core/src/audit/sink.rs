//! Telling records elsewhere.

use async_trait::async_trait;

use super::{ChainMark, ChainedRecord};

/// A second place for what has joined the chains, out of reach of whoever owns the store.
#[async_trait]
pub trait AuditSink: Send + Sync {
    /// Tells of records and checkpoints that the store holds for good. What cannot be told is lost there, not here.
    async fn tell(&self, records: &[ChainedRecord], checkpoints: &[ChainMark]);
}
