//! Moving records from the inbox to their chains, in one transaction.

use broker_core::ports::{Sealing, StoreError};
use broker_core::{ChainMark, ChainedRecord};
use serde_json::{Value, json};
use sqlx::SqliteConnection;

use super::rows::{as_json, hex, record_columns, record_values};
use crate::keys::insert_audit_key;
use crate::operation::failed;

pub(super) async fn seal(connection: &mut SqliteConnection, sealing: &Sealing) -> Result<bool, StoreError> {
    if let Some((key, at)) = &sealing.key
        && !insert_audit_key(&mut *connection, key, *at).await?
    {
        return Ok(false);
    }
    for (before, after) in &sealing.heads {
        if !exchange_head(connection, before.as_ref(), after).await? {
            return Ok(false);
        }
    }
    if !take(connection, &sealing.inbox).await? {
        return Ok(false);
    }
    insert_records(connection, &sealing.records).await?;
    insert_checkpoints(connection, &sealing.checkpoints).await?;
    Ok(true)
}

async fn exchange_head(
    connection: &mut SqliteConnection,
    before: Option<&ChainMark>,
    after: &ChainMark,
) -> Result<bool, StoreError> {
    let statement = match before {
        Some(_) => {
            "UPDATE audit_heads SET sequence = ?2, hash = ?3, mac = ?4 WHERE chain = ?1 AND sequence = ?5 AND hash = ?6"
        }
        None => {
            "INSERT INTO audit_heads (chain, sequence, hash, mac) VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO NOTHING"
        }
    };
    let mut exchange = sqlx::query(statement)
        .bind(after.chain.as_str())
        .bind(after.sequence.cast_signed())
        .bind(after.hash.as_slice())
        .bind(after.mac.as_slice());
    if let Some(before) = before {
        exchange = exchange.bind(before.sequence.cast_signed()).bind(before.hash.as_slice());
    }
    Ok(exchange.execute(connection).await.map_err(failed)?.rows_affected() == 1)
}

async fn take(connection: &mut SqliteConnection, ids: &[i64]) -> Result<bool, StoreError> {
    let taken = sqlx::query("DELETE FROM audit_inbox WHERE id IN (SELECT value FROM json_each(?1))")
        .bind(Value::from(ids).to_string())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(taken.rows_affected() == ids.len() as u64)
}

async fn insert_records(
    connection: &mut SqliteConnection,
    records: &[ChainedRecord],
) -> Result<(), StoreError> {
    let rows = records.iter().map(|record| {
        let mut row = as_json(&record.record);
        row.extend([json!(record.chain), json!(record.sequence)]);
        row.extend([json!(hex(&record.previous_hash)), json!(hex(&record.hash))]);
        Value::from(row)
    });
    sqlx::query(concat!(
        "INSERT INTO audit_records (",
        record_columns!(),
        ", chain, sequence, previous_hash, hash) SELECT ",
        record_values!(),
        ", value ->> 13, value ->> 14, unhex(value ->> 15), unhex(value ->> 16) FROM json_each(?1)"
    ))
    .bind(rows.collect::<Value>().to_string())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn insert_checkpoints(
    connection: &mut SqliteConnection,
    checkpoints: &[ChainMark],
) -> Result<(), StoreError> {
    for checkpoint in checkpoints {
        sqlx::query("INSERT INTO audit_checkpoints (chain, sequence, hash, mac) VALUES (?1, ?2, ?3, ?4)")
            .bind(checkpoint.chain.as_str())
            .bind(checkpoint.sequence.cast_signed())
            .bind(checkpoint.hash.as_slice())
            .bind(checkpoint.mac.as_slice())
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    Ok(())
}
