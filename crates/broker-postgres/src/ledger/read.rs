//! Reading chains.

use broker_core::ports::{AuditFilter, AuditPrincipal, ChainEnd, StoreError};
use broker_core::{AuditOutcome, ChainMark, ChainedRecord, ProviderName, UserId};
use sqlx::PgPool;

use super::rows::{Chained, Mark};
use crate::columns::micros;
use crate::operation::failed;

/// One statement: heads and last records are of the same moment.
pub(super) async fn ends(pool: &PgPool, chains: &[String]) -> Result<Vec<ChainEnd>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT asked.chain AS "chain!", head.sequence AS "sequence?", head.hash AS "hash?", head.mac AS "mac?",
                  (SELECT max(sequence) FROM audit_records record WHERE record.chain = asked.chain COLLATE "C") AS last
           FROM unnest($1::text[]) AS asked (chain)
           LEFT JOIN audit_heads head ON head.chain = asked.chain COLLATE "C"
           ORDER BY asked.chain COLLATE "C""#,
        chains,
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let ends = rows.into_iter().map(|row| {
        let head = row.sequence.zip(row.hash).zip(row.mac);
        let head = head.map(|((sequence, hash), mac)| Mark { chain: row.chain.clone(), sequence, hash, mac });
        ChainEnd { chain: row.chain, head: head.map(Mark::mark), last: row.last.map(i64::cast_unsigned) }
    });
    Ok(ends.collect())
}

pub(super) async fn begun(pool: &PgPool, chain: &str) -> Result<bool, StoreError> {
    let begun = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM audit_records WHERE chain = '' AND action = 'begin_chain' AND tenant = $1)
           AS "begun!""#,
        chain,
    );
    begun.fetch_one(pool).await.map_err(failed)
}

pub(super) async fn lost_chain(pool: &PgPool) -> Result<Option<String>, StoreError> {
    let lost = sqlx::query_scalar!(
        "SELECT note.tenant FROM audit_records note
         WHERE note.chain = '' AND note.action = 'begin_chain' AND note.tenant <> ''
           AND (NOT EXISTS (SELECT 1 FROM audit_heads head WHERE head.chain = note.tenant)
                OR NOT EXISTS (SELECT 1 FROM audit_records record WHERE record.chain = note.tenant AND sequence = 1))
         ORDER BY note.tenant LIMIT 1",
    );
    lost.fetch_optional(pool).await.map_err(failed)
}

pub(super) async fn list(pool: &PgPool, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, StoreError> {
    let caller = match &filter.principal {
        Some(AuditPrincipal::Caller(principal)) => Some(principal.as_str()),
        Some(AuditPrincipal::Broker) | None => None,
    };
    let outcomes: Vec<String> =
        filter.outcomes.iter().map(AuditOutcome::words).map(|(word, _)| word.to_owned()).collect();
    let rows = sqlx::query_as!(
        Chained,
        "SELECT chain, sequence, at, tenant, principal, action, provider, user_id, account, resource, generation,
                outcome, reason, purpose, fingerprint, previous_hash, hash
         FROM audit_records
         WHERE chain = $1 AND ($2::text IS NULL OR provider = $2) AND ($3::text IS NULL OR user_id = $3)
           AND ($4::text IS NULL OR principal = $4) AND (NOT $5::boolean OR principal IS NULL)
           AND (cardinality($6::text[]) = 0 OR outcome = ANY($6))
           AND ($7::bigint IS NULL OR at >= $7) AND ($8::bigint IS NULL OR at < $8)
           AND ($9::bigint IS NULL OR sequence < $9)
         ORDER BY sequence DESC LIMIT $10",
        filter.chain,
        filter.provider.as_ref().map(ProviderName::as_str),
        filter.user.as_ref().map(UserId::as_str),
        caller,
        filter.principal == Some(AuditPrincipal::Broker),
        &outcomes,
        micros(filter.from),
        micros(filter.until),
        filter.before.map(u64::cast_signed),
        i64::from(filter.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(Chained::record).collect())
}

pub(super) async fn chained(
    pool: &PgPool,
    chain: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainedRecord>, StoreError> {
    let rows = sqlx::query_as!(
        Chained,
        "SELECT chain, sequence, at, tenant, principal, action, provider, user_id, account, resource, generation,
                outcome, reason, purpose, fingerprint, previous_hash, hash
         FROM audit_records WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3",
        chain,
        after.cast_signed(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(Chained::record).collect())
}

pub(super) async fn checkpoints(
    pool: &PgPool,
    chain: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainMark>, StoreError> {
    let rows = sqlx::query_as!(
        Mark,
        "SELECT chain, sequence, hash, mac FROM audit_checkpoints WHERE chain = $1 AND sequence > $2
         ORDER BY sequence LIMIT $3",
        chain,
        after.cast_signed(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(Mark::mark).collect())
}
