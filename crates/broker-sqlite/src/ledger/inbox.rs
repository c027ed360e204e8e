//! Records that are in no chain yet.

use broker_core::KeptRecord;
use broker_core::ports::{InboxRecord, StoreError};
use serde_json::Value;
use sqlx::SqlitePool;

use super::rows::{as_json, record, record_columns, record_values};
use crate::columns::Columns;
use crate::operation::failed;

pub(super) async fn append(pool: &SqlitePool, records: &[KeptRecord]) -> Result<(), StoreError> {
    let rows: Vec<Value> = records.iter().map(|record| as_json(record).into()).collect();
    sqlx::query(concat!(
        "INSERT INTO audit_inbox (",
        record_columns!(),
        ") SELECT ",
        record_values!(),
        " FROM json_each(?1)"
    ))
    .bind(Value::from(rows).to_string())
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

pub(super) async fn oldest(pool: &SqlitePool, limit: u32) -> Result<Vec<InboxRecord>, StoreError> {
    let rows = sqlx::query(concat!(
        "SELECT id, coalesce((SELECT tenants.id FROM tenants WHERE tenants.id = audit_inbox.tenant), '') AS chain, ",
        record_columns!(),
        " FROM audit_inbox ORDER BY id LIMIT ?1"
    ))
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let records = rows.iter().map(|row| {
        Ok(InboxRecord { id: row.get_as("id")?, chain: row.text("chain")?, record: record(row)? })
    });
    records.collect()
}
