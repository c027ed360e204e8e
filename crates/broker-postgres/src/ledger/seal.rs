//! Moving records from the inbox to their chains, in one transaction.

use broker_core::ports::{Sealing, StoreError};
use broker_core::{ChainMark, ChainedRecord};
use sqlx::{PgConnection, PgPool};

use super::rows::Arrays;
use crate::keys::insert_audit_key;
use crate::operation::failed;

/// Heads first, in the order of the chains: of two replicas one waits here for the other, and then finds another head.
pub(super) async fn seal(pool: &PgPool, sealing: &Sealing) -> Result<bool, StoreError> {
    let mut tx = pool.begin().await.map_err(failed)?;
    if let Some((key, at)) = &sealing.key
        && !insert_audit_key(&mut tx, key, *at).await?
    {
        return Ok(false);
    }
    for (before, after) in &sealing.heads {
        if !exchange_head(&mut tx, before.as_ref(), after).await? {
            return Ok(false);
        }
    }
    if !take(&mut tx, &sealing.inbox).await? {
        return Ok(false);
    }
    insert_records(&mut tx, &sealing.records).await?;
    insert_checkpoints(&mut tx, &sealing.checkpoints).await?;
    tx.commit().await.map_err(failed)?;
    Ok(true)
}

async fn exchange_head(
    connection: &mut PgConnection,
    before: Option<&ChainMark>,
    after: &ChainMark,
) -> Result<bool, StoreError> {
    let ChainMark { chain, sequence, hash, mac } = after;
    let exchanged = match before {
        Some(before) => sqlx::query!(
            "UPDATE audit_heads SET sequence = $2, hash = $3, mac = $4 WHERE chain = $1 AND sequence = $5 AND hash = $6",
            chain,
            sequence.cast_signed(),
            hash,
            mac,
            before.sequence.cast_signed(),
            before.hash,
        )
        .execute(connection)
        .await,
        None => sqlx::query!(
            "INSERT INTO audit_heads (chain, sequence, hash, mac) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            chain,
            sequence.cast_signed(),
            hash,
            mac,
        )
        .execute(connection)
        .await,
    };
    Ok(exchanged.map_err(failed)?.rows_affected() == 1)
}

async fn take(connection: &mut PgConnection, ids: &[i64]) -> Result<bool, StoreError> {
    let taken = sqlx::query!("DELETE FROM audit_inbox WHERE id = ANY($1)", ids)
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(taken.rows_affected() == ids.len() as u64)
}

async fn insert_records(connection: &mut PgConnection, records: &[ChainedRecord]) -> Result<(), StoreError> {
    let columns = Arrays::of(records.iter().map(|record| &record.record));
    let chains: Vec<String> = records.iter().map(|record| record.chain.clone()).collect();
    let sequences: Vec<i64> = records.iter().map(|record| record.sequence.cast_signed()).collect();
    let previous: Vec<Vec<u8>> = records.iter().map(|record| record.previous_hash.clone()).collect();
    let hashes: Vec<Vec<u8>> = records.iter().map(|record| record.hash.clone()).collect();
    sqlx::query!(
        "INSERT INTO audit_records (at, tenant, principal, action, provider, user_id, account, resource, generation,
                                    outcome, reason, purpose, fingerprint, chain, sequence, previous_hash, hash)
         SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                              $8::text[], $9::bigint[], $10::text[], $11::text[], $12::text[], $13::bytea[],
                              $14::text[], $15::bigint[], $16::bytea[], $17::bytea[])",
        &columns.at,
        &columns.tenant,
        &columns.principal as _,
        &columns.action,
        &columns.provider as _,
        &columns.user as _,
        &columns.account as _,
        &columns.resource,
        &columns.generation as _,
        &columns.outcome,
        &columns.reason,
        &columns.purpose,
        &columns.fingerprint as _,
        &chains,
        &sequences,
        &previous,
        &hashes,
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn insert_checkpoints(
    connection: &mut PgConnection,
    checkpoints: &[ChainMark],
) -> Result<(), StoreError> {
    for ChainMark { chain, sequence, hash, mac } in checkpoints {
        sqlx::query!(
            "INSERT INTO audit_checkpoints (chain, sequence, hash, mac) VALUES ($1, $2, $3, $4)",
            chain,
            sequence.cast_signed(),
            hash,
            mac,
        )
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    }
    Ok(())
}
