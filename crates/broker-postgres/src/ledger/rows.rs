//! Records as rows, and as columns of arrays that one statement takes.

use broker_core::ports::InboxRecord;
use broker_core::{ChainMark, ChainedRecord, KeptRecord};

/// The columns of many records, each an array.
#[derive(Default)]
pub(super) struct Arrays {
    pub(super) at: Vec<i64>,
    pub(super) tenant: Vec<String>,
    pub(super) principal: Vec<Option<String>>,
    pub(super) action: Vec<String>,
    pub(super) provider: Vec<Option<String>>,
    pub(super) user: Vec<Option<String>>,
    pub(super) account: Vec<Option<String>>,
    pub(super) resource: Vec<String>,
    pub(super) generation: Vec<Option<i64>>,
    pub(super) outcome: Vec<String>,
    pub(super) reason: Vec<String>,
    pub(super) purpose: Vec<String>,
    pub(super) fingerprint: Vec<Option<Vec<u8>>>,
}

impl Arrays {
    pub(super) fn of<'a>(records: impl Iterator<Item = &'a KeptRecord>) -> Self {
        let mut arrays = Self::default();
        for record in records.cloned() {
            arrays.push(record);
        }
        arrays
    }

    fn push(&mut self, record: KeptRecord) {
        self.at.push(record.at);
        self.tenant.push(record.tenant);
        self.principal.push(record.principal);
        self.action.push(record.action);
        self.provider.push(record.provider);
        self.user.push(record.user);
        self.account.push(record.account);
        self.resource.push(record.resource);
        self.generation.push(record.generation);
        self.outcome.push(record.outcome);
        self.reason.push(record.reason);
        self.purpose.push(record.purpose);
        self.fingerprint.push(record.fingerprint);
    }
}

/// A row of the inbox.
pub(super) struct Inbox {
    pub(super) id: i64,
    pub(super) chain: String,
    pub(super) at: i64,
    pub(super) tenant: String,
    pub(super) principal: Option<String>,
    pub(super) action: String,
    pub(super) provider: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) account: Option<String>,
    pub(super) resource: String,
    pub(super) generation: Option<i64>,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) purpose: String,
    pub(super) fingerprint: Option<Vec<u8>>,
}

/// A row of a chain.
pub(super) struct Chained {
    pub(super) chain: String,
    pub(super) sequence: i64,
    pub(super) at: i64,
    pub(super) tenant: String,
    pub(super) principal: Option<String>,
    pub(super) action: String,
    pub(super) provider: Option<String>,
    pub(super) user_id: Option<String>,
    pub(super) account: Option<String>,
    pub(super) resource: String,
    pub(super) generation: Option<i64>,
    pub(super) outcome: String,
    pub(super) reason: String,
    pub(super) purpose: String,
    pub(super) fingerprint: Option<Vec<u8>>,
    pub(super) previous_hash: Vec<u8>,
    pub(super) hash: Vec<u8>,
}

/// The part of a row that is the record.
macro_rules! record {
    ($row:expr) => {
        KeptRecord {
            at: $row.at,
            tenant: $row.tenant,
            principal: $row.principal,
            action: $row.action,
            provider: $row.provider,
            user: $row.user_id,
            account: $row.account,
            resource: $row.resource,
            generation: $row.generation,
            outcome: $row.outcome,
            reason: $row.reason,
            purpose: $row.purpose,
            fingerprint: $row.fingerprint,
        }
    };
}

impl From<Inbox> for InboxRecord {
    fn from(row: Inbox) -> Self {
        Self { id: row.id, chain: row.chain, record: record!(row) }
    }
}

impl Chained {
    /// A sequence that a foreign hand has made negative is one beyond every end.
    pub(super) fn record(self) -> ChainedRecord {
        ChainedRecord {
            chain: self.chain,
            sequence: self.sequence.cast_unsigned(),
            previous_hash: self.previous_hash,
            hash: self.hash,
            record: record!(self),
        }
    }
}

/// A row of heads or checkpoints.
pub(super) struct Mark {
    pub(super) chain: String,
    pub(super) sequence: i64,
    pub(super) hash: Vec<u8>,
    pub(super) mac: Vec<u8>,
}

impl Mark {
    pub(super) fn mark(self) -> ChainMark {
        let sequence = self.sequence.cast_unsigned();
        ChainMark { chain: self.chain, sequence, hash: self.hash, mac: self.mac }
    }
}
