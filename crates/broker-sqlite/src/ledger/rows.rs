//! Records as rows, and as one text of JSON: a statement for each would cost ten times as much.

use std::fmt::Write;

use broker_core::ports::StoreError;
use broker_core::{ChainMark, ChainedRecord, KeptRecord};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteRow;

use crate::columns::Columns;

/// The columns of a record, in the order of [`record`].
macro_rules! record_columns {
    () => {
        "at, tenant, principal, action, provider, user_id, account, resource, generation, outcome, reason, purpose, fingerprint"
    };
}
/// The same out of the JSON of [`as_json`], in a `value` of `json_each`.
macro_rules! record_values {
    () => {
        "value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7,
         value ->> 8, value ->> 9, value ->> 10, value ->> 11, unhex(value ->> 12)"
    };
}
pub(super) use {record_columns, record_values};

/// A record as a list of its columns; bytes in hexadecimal.
pub(super) fn as_json(record: &KeptRecord) -> Vec<Value> {
    vec![
        json!(record.at),
        json!(record.tenant),
        json!(record.principal),
        json!(record.action),
        json!(record.provider),
        json!(record.user),
        json!(record.account),
        json!(record.resource),
        json!(record.generation),
        json!(record.outcome),
        json!(record.reason),
        json!(record.purpose),
        json!(record.fingerprint.as_deref().map(hex)),
    ]
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Never fails because a String takes any text.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

pub(super) fn record(row: &SqliteRow) -> Result<KeptRecord, StoreError> {
    Ok(KeptRecord {
        at: row.get_as("at")?,
        tenant: row.text("tenant")?,
        principal: row.optional_text("principal")?,
        action: row.text("action")?,
        provider: row.optional_text("provider")?,
        user: row.optional_text("user_id")?,
        account: row.optional_text("account")?,
        resource: row.text("resource")?,
        generation: row.get_as("generation")?,
        outcome: row.text("outcome")?,
        reason: row.text("reason")?,
        purpose: row.text("purpose")?,
        fingerprint: row.get_as("fingerprint")?,
    })
}

/// A sequence that a foreign hand has made negative is one beyond every end.
pub(super) fn chained(row: &SqliteRow) -> Result<ChainedRecord, StoreError> {
    Ok(ChainedRecord {
        chain: row.text("chain")?,
        sequence: row.get_as::<i64>("sequence")?.cast_unsigned(),
        record: record(row)?,
        previous_hash: row.get_as("previous_hash")?,
        hash: row.get_as("hash")?,
    })
}

pub(super) fn mark(row: &SqliteRow) -> Result<ChainMark, StoreError> {
    Ok(ChainMark {
        chain: row.text("chain")?,
        sequence: row.get_as::<i64>("sequence")?.cast_unsigned(),
        hash: row.get_as("hash")?,
        mac: row.get_as("mac")?,
    })
}
