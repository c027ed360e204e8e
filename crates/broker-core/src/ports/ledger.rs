//! The audit log as a store keeps it.

use async_trait::async_trait;
use broker_crypto::WrappedDek;

use super::StoreError;
use crate::{AuditOutcome, ChainMark, ChainedRecord, KeptRecord, Principal, ProviderName, Timestamp, UserId};

/// A record that is in no chain yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InboxRecord {
    /// Its number in the inbox.
    pub id: i64,
    /// The chain it belongs to: its tenant's; that of the installation if there is no such tenant.
    pub chain: String,
    /// The record.
    pub record: KeptRecord,
}

/// Where a chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnd {
    /// The chain.
    pub chain: String,
    /// Its head; `None` if it has none.
    pub head: Option<ChainMark>,
    /// The place of its last record, whatever the head says.
    pub last: Option<u64>,
}

/// Records that join their chains, in one step.
#[derive(Debug, Clone, Default)]
pub struct Sealing {
    /// The inbox records that leave it.
    pub inbox: Vec<i64>,
    /// The records, in their order.
    pub records: Vec<ChainedRecord>,
    /// For each chain its head as it was read, and the one after. In the order of the chains.
    pub heads: Vec<(Option<ChainMark>, ChainMark)>,
    /// The key of the chains, where there was none.
    pub key: Option<(WrappedDek, Timestamp)>,
    /// Checkpoints passed.
    pub checkpoints: Vec<ChainMark>,
}

/// Which records of a chain to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// The chain.
    pub chain: String,
    /// Only at this provider.
    pub provider: Option<ProviderName>,
    /// Only of this user's grants.
    pub user: Option<UserId>,
    /// Only of this caller.
    pub principal: Option<AuditPrincipal>,
    /// Only with one of these outcomes, whatever the reason; empty means any.
    pub outcomes: Vec<AuditOutcome>,
    /// Only from this time on.
    pub from: Option<Timestamp>,
    /// Only before this time.
    pub until: Option<Timestamp>,
    /// Only records before this place.
    pub before: Option<u64>,
    /// At most this many.
    pub limit: u32,
}

/// Who acted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditPrincipal {
    /// The broker itself.
    Broker,
    /// A caller.
    Caller(Principal),
}

/// The audit log. Nothing of a chain is ever changed or removed.
#[async_trait]
pub trait Ledger: Send + Sync {
    /// Writes records to the inbox, all or none.
    async fn append(&self, records: &[KeptRecord]) -> Result<(), StoreError>;

    /// The oldest records of the inbox.
    async fn unsealed(&self, limit: u32) -> Result<Vec<InboxRecord>, StoreError>;

    /// Where these chains end, in their order.
    async fn ends(&self, chains: &[String]) -> Result<Vec<ChainEnd>, StoreError>;

    /// Moves records from the inbox to their chains, and keeps the key if there is one, all or none. `false`: another
    /// replica was faster.
    async fn seal(&self, sealing: &Sealing) -> Result<bool, StoreError>;

    /// Whether the chain of the installation notes that this one was begun.
    async fn begun(&self, chain: &str) -> Result<bool, StoreError>;

    /// A chain that was begun, as that of the installation notes, and has no first record or no head.
    async fn lost_chain(&self) -> Result<Option<String>, StoreError>;

    /// A page of records, newest first.
    async fn list(&self, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, StoreError>;

    /// Records of a chain after a place, in their order.
    async fn chained(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainedRecord>, StoreError>;

    /// Checkpoints of a chain after a place, in their order.
    async fn checkpoints(&self, chain: &str, after: u64, limit: u32) -> Result<Vec<ChainMark>, StoreError>;
}
