//! Reading the log, and forgetting its beginning.

use broker_core::ports::{EventFilter, EventPage, StoreError};
use broker_core::{
    ConsentCause, Event, EventGrant, EventType, GrantId, ProviderName, RegistrationId, TenantId, Timestamp,
    WebhookId,
};
use sqlx::sqlite::SqliteRow;
use sqlx::{SqliteConnection, SqlitePool};

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// One statement: where the log begins and ends is of the same moment as what is read. The first row tells that, and
/// holds no event if there is none on the page.
pub(super) async fn page(
    pool: &SqlitePool,
    filter: &EventFilter,
    after: u64,
    limit: u32,
) -> Result<EventPage, StoreError> {
    let rows = sqlx::query(
        "SELECT h.pruned, h.sequence AS newest, p.*
         FROM event_head h LEFT JOIN (
             SELECT * FROM events
             WHERE sequence > ?2 AND (?1 IS NULL OR tenant IN (?1, ''))
               AND (?3 = '' OR instr(' ' || ?3 || ' ', ' ' || type || ' '))
             ORDER BY sequence LIMIT ?4
         ) p ON TRUE
         ORDER BY p.sequence",
    )
    .bind(filter.tenant.as_ref().map(TenantId::as_str))
    .bind(after.cast_signed())
    .bind(EventType::names(&filter.types))
    .bind(limit)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let first = rows.first().ok_or(StoreError::Inconsistent("the log of events has no head"))?;
    let (oldest, newest) = (first.number::<u64>("pruned")? + 1, first.number("newest")?);
    let mut events = Vec::new();
    for row in &rows {
        if let Some(sequence) = row.optional_number("sequence")? {
            events.push(event(row, sequence)?);
        }
    }
    Ok(EventPage { events, oldest, newest })
}

fn event(row: &SqliteRow, sequence: u64) -> Result<Event, StoreError> {
    let there = |column| Ok(row.optional_text(column)?.is_some_and(|text| !text.is_empty()));
    Ok(Event {
        sequence,
        event_type: row.word("type", EventType::from_name)?,
        at: row.time("at")?,
        tenant: there("tenant")?.then(|| row.name("tenant", TenantId::new)).transpose()?,
        provider: there("provider")?.then(|| row.name("provider", ProviderName::new)).transpose()?,
        grant: grant(row)?,
        registration: there("registration")?
            .then(|| row.name("registration", RegistrationId::new))
            .transpose()?,
        key_id: row.optional_text("key_id")?,
        webhook: row.optional_id("webhook_id", WebhookId::from_bytes)?,
    })
}

fn grant(row: &SqliteRow) -> Result<Option<EventGrant>, StoreError> {
    let Some(id) = row.optional_id("grant_id", GrantId::from_bytes)? else { return Ok(None) };
    let cause = row.optional_text("cause")?.is_some();
    Ok(Some(EventGrant {
        id,
        key: row.key()?,
        generation: row.generation("generation")?,
        cause: cause.then(|| row.word("cause", ConsentCause::from_name)).transpose()?,
        dies_at: row.optional_time("dies_at")?,
    }))
}

/// What is kept has no gaps: only the beginning of the log is forgotten.
pub(super) async fn prune(
    connection: &mut SqliteConnection,
    before: Timestamp,
    limit: u32,
) -> Result<u64, StoreError> {
    let forgotten = sqlx::query(
        "DELETE FROM events WHERE sequence <= (
             SELECT coalesce(min(iif(at >= ?1, sequence, NULL)) - 1, max(sequence))
             FROM (SELECT sequence, at FROM events ORDER BY sequence LIMIT ?2)
         )",
    )
    .bind_time(before)
    .bind(limit)
    .execute(&mut *connection)
    .await
    .map_err(failed)?
    .rows_affected();
    sqlx::query("UPDATE event_head SET pruned = coalesce((SELECT min(sequence) - 1 FROM events), sequence)")
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(forgotten)
}
