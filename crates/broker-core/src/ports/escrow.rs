//! The local journal of sealed answers, written before they are read.

use std::collections::HashSet;

use async_trait::async_trait;
use broker_crypto::{Place, ProviderResponse, Sealed};

use crate::{Attempt, AttemptId, EscrowId, TenantId, Timestamp};

/// A provider's raw answer, sealed, as it came off the wire.
#[derive(Debug, Clone)]
pub struct EscrowRecord {
    /// The attempt it answers, as it was when it was sent: a store that has lost the attempt's row learns it from here.
    pub attempt: Attempt,
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
    pub fn owner(attempt: &Attempt, status: u16, received_at: Timestamp) -> String {
        format!(
            "{}/{}/{}/{}/{}/{status}/{received_at}",
            attempt.grant_id(),
            attempt.id,
            attempt.lineage,
            attempt.generation.get(),
            attempt.presentation_no
        )
    }
}

/// What the journal holds.
#[derive(Debug, Default)]
pub struct EscrowRecords {
    /// The records that could be read, oldest first.
    pub records: Vec<EscrowRecord>,
    /// How many could not.
    pub damaged: u64,
}

/// How far a record must have got before [`Escrow::append`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It survives the death of this process.
    Process,
    /// It survives the loss of power: asked for while the store cannot be reached, because the record will be the only
    /// copy for longer.
    Machine,
}

/// What of earlier runs' records must stay.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// The newest record of each grant, if it was received at or after this time: a store that loses commits in a
    /// failover gets them back from it. A success (2xx) is not displaced by a refusal that came after it.
    pub newest_since: Option<Timestamp>,
    /// Records of these attempts, whatever their age.
    pub unsettled: HashSet<AttemptId>,
    /// Files with records that cannot be read, if they were written at or after this time.
    pub damaged_since: Option<Timestamp>,
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
    /// The journal's id.
    fn id(&self) -> EscrowId;

    /// Reserves room for one more record; asked before a claim, so that an answer always has a place.
    async fn reserve(&self) -> Result<(), EscrowError>;

    /// Appends a record.
    async fn append(&self, record: &EscrowRecord, durability: Durability) -> Result<(), EscrowError>;

    /// Every record of earlier runs and of this one, oldest first.
    async fn records(&self) -> Result<EscrowRecords, EscrowError>;

    /// Rewrites what earlier runs left so that it holds no more than `keep` says.
    async fn compact(&self, keep: &Keep) -> Result<(), EscrowError>;
}
