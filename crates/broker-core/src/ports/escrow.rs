//! The local journal of sealed answers, written before they are read.

use async_trait::async_trait;
use broker_crypto::{Place, ProviderResponse, Sealed};

use crate::{AttemptId, TenantId, Timestamp};

/// A provider's raw answer, sealed, as it came off the wire.
#[derive(Debug, Clone)]
pub struct EscrowRecord {
    /// The tenant.
    pub tenant: TenantId,
    /// The attempt it answers; everything else about it stands in the store.
    pub attempt: AttemptId,
    /// HTTP status.
    pub status: u16,
    /// When the last byte was read.
    pub received_at: Timestamp,
    /// The body.
    pub body: Sealed<ProviderResponse>,
}

impl EscrowRecord {
    /// The place a body is sealed at: the seal covers what the record says in the clear. `owner` is [`Self::owner`].
    pub fn place<'a>(tenant: &'a TenantId, owner: &'a str) -> Place<'a> {
        Place { tenant: tenant.as_str(), owner, generation: 0 }
    }

    /// The owner part of a body's place.
    pub fn owner(attempt: AttemptId, status: u16, received_at: Timestamp) -> String {
        format!("{attempt}/{status}/{received_at}")
    }
}

/// What earlier runs left in the journal.
#[derive(Debug, Default)]
pub struct EarlierRecords {
    /// The records that could be read, oldest first.
    pub records: Vec<EscrowRecord>,
    /// How many could not.
    pub damaged: u64,
}

/// The journal could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("the escrow journal cannot be used: {problem}")]
pub struct EscrowError {
    /// What happened, for operators.
    pub problem: String,
    /// The cause.
    #[source]
    pub source: Option<std::io::Error>,
}

/// The journal.
#[async_trait]
pub trait Escrow: Send + Sync {
    /// Reserves room for one more record; asked before a claim, so that an answer always has a place.
    async fn reserve(&self) -> Result<(), EscrowError>;

    /// Appends a record. Returns once the bytes survive the death of this process.
    async fn append(&self, record: &EscrowRecord) -> Result<(), EscrowError>;

    /// The records of earlier runs, oldest first.
    async fn earlier_records(&self) -> Result<EarlierRecords, EscrowError>;

    /// Forgets the records of earlier runs, or, with `before`, those files of them whose every record is older.
    async fn forget_earlier(&self, before: Option<Timestamp>) -> Result<(), EscrowError>;
}
