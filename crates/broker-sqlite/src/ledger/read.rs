//! Reading chains.

use broker_core::ports::{AuditFilter, AuditPrincipal, ChainEnd, StoreError};
use broker_core::{AuditOutcome, ChainMark, ChainedRecord, ProviderName, UserId};
use serde_json::{Value, json};
use sqlx::{Row, SqlitePool};

use super::rows::{self, record_columns};
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// One statement: heads and last records are of the same moment.
pub(super) async fn ends(pool: &SqlitePool, chains: &[String]) -> Result<Vec<ChainEnd>, StoreError> {
    let rows = sqlx::query(
        "SELECT asked.value AS chain, head.sequence AS sequence, head.hash AS hash, head.mac AS mac,
                (SELECT max(sequence) FROM audit_records record WHERE record.chain = asked.value) AS last
         FROM json_each(?1) AS asked LEFT JOIN audit_heads head ON head.chain = asked.value
         ORDER BY asked.value",
    )
    .bind(json!(chains).to_string())
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let ends = rows.iter().map(|row| {
        let head = row.get_as::<Option<i64>>("sequence")?.map(|_| rows::mark(row)).transpose()?;
        Ok(ChainEnd {
            chain: row.text("chain")?,
            head,
            last: row.get_as::<Option<i64>>("last")?.map(i64::cast_unsigned),
        })
    });
    ends.collect()
}

pub(super) async fn begun(pool: &SqlitePool, chain: &str) -> Result<bool, StoreError> {
    sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM audit_records WHERE chain = '' AND action = 'begin_chain' AND tenant = ?1)
         AS begun",
    )
    .bind(chain)
    .fetch_one(pool)
    .await
    .map_err(failed)?
    .flag("begun")
}

pub(super) async fn lost_chain(pool: &SqlitePool) -> Result<Option<String>, StoreError> {
    let lost = sqlx::query(
        "SELECT note.tenant FROM audit_records note
         WHERE note.chain = '' AND note.action = 'begin_chain' AND note.tenant <> ''
           AND (NOT EXISTS (SELECT 1 FROM audit_heads head WHERE head.chain = note.tenant)
                OR NOT EXISTS (SELECT 1 FROM audit_records record WHERE record.chain = note.tenant AND sequence = 1))
         ORDER BY note.tenant LIMIT 1",
    );
    let lost = lost.fetch_optional(pool).await.map_err(failed)?;
    lost.map(|row| row.try_get(0).map_err(failed)).transpose()
}

pub(super) async fn list(pool: &SqlitePool, filter: &AuditFilter) -> Result<Vec<ChainedRecord>, StoreError> {
    let caller = match &filter.principal {
        Some(AuditPrincipal::Caller(principal)) => Some(principal.as_str()),
        Some(AuditPrincipal::Broker) | None => None,
    };
    let outcomes: Value = filter.outcomes.iter().map(AuditOutcome::words).map(|(word, _)| word).collect();
    sqlx::query(concat!(
        "SELECT chain, sequence, previous_hash, hash, ",
        record_columns!(),
        " FROM audit_records
          WHERE chain = ?1 AND (?2 IS NULL OR provider = ?2) AND (?3 IS NULL OR user_id = ?3)
            AND (?4 IS NULL OR principal = ?4) AND (NOT ?5 OR principal IS NULL)
            AND (?6 = '[]' OR outcome IN (SELECT value FROM json_each(?6)))
            AND (?7 IS NULL OR at >= ?7) AND (?8 IS NULL OR at < ?8) AND (?9 IS NULL OR sequence < ?9)
          ORDER BY sequence DESC LIMIT ?10"
    ))
    .bind(filter.chain.as_str())
    .bind(filter.provider.as_ref().map(ProviderName::as_str))
    .bind(filter.user.as_ref().map(UserId::as_str))
    .bind(caller)
    .bind(filter.principal == Some(AuditPrincipal::Broker))
    .bind(outcomes.to_string())
    .bind_optional_time(filter.from)
    .bind_optional_time(filter.until)
    .bind(filter.before.map(u64::cast_signed))
    .bind(filter.limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::chained)
    .collect()
}

pub(super) async fn chained(
    pool: &SqlitePool,
    chain: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainedRecord>, StoreError> {
    sqlx::query(concat!(
        "SELECT chain, sequence, previous_hash, hash, ",
        record_columns!(),
        " FROM audit_records WHERE chain = ?1 AND sequence > ?2 ORDER BY sequence LIMIT ?3"
    ))
    .bind(chain)
    .bind(after.cast_signed())
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::chained)
    .collect()
}

pub(super) async fn checkpoints(
    pool: &SqlitePool,
    chain: &str,
    after: u64,
    limit: u32,
) -> Result<Vec<ChainMark>, StoreError> {
    sqlx::query(
        "SELECT chain, sequence, hash, mac FROM audit_checkpoints WHERE chain = ?1 AND sequence > ?2
         ORDER BY sequence LIMIT ?3",
    )
    .bind(chain)
    .bind(after.cast_signed())
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?
    .iter()
    .map(rows::mark)
    .collect()
}
