//! The shared store.

use std::collections::HashMap;

use anyhow::Result;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::postgres::{PgPool, PgRow};

use super::{Attempt, Event, Reader, Restless, id, unsigned};

/// The broker's database.
pub(crate) struct Postgres(PgPool);

impl Postgres {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        Ok(Self(PgPool::connect(url).await?))
    }

    /// Whether the server knows when a row was last written.
    async fn tells_commits(&self) -> Result<bool> {
        let setting = "SELECT current_setting('track_commit_timestamp') = 'on'";
        Ok(sqlx::query_scalar(setting).fetch_one(&self.0).await?)
    }
}

#[async_trait]
impl Reader for Postgres {
    async fn attempts(&self) -> Result<Vec<Attempt>> {
        let rows = sqlx::query(
            "SELECT uuid_send(id) AS id, uuid_send(grant_id) AS grant_id, generation, uuid_send(owner) AS owner,
                    claimed_at, sent_at, closed_at, conclusion,
                    CASE WHEN adopted_generation IS NULL THEN NULL
                         WHEN $1 THEN coalesce((extract(epoch FROM pg_xact_commit_timestamp(xmin)) * 1000000)::bigint, closed_at)
                         ELSE closed_at END AS adopted_at
             FROM attempts WHERE kind = 'refresh'",
        )
        .bind(self.tells_commits().await?)
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(attempt).collect()
    }

    async fn restless(&self) -> Result<Vec<Restless>> {
        let rows = sqlx::query(
            "SELECT uuid_send(r.grant_id) AS id, r.generation, r.phase,
                    (SELECT max(a.presentation_no) FROM attempts a
                     WHERE a.grant_id = r.grant_id AND a.generation = r.generation) AS presentation_no
             FROM grant_rotation r WHERE r.lifecycle = 'active' AND r.phase <> 'idle'",
        )
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(restless).collect()
    }

    async fn given_up(&self) -> Result<usize> {
        let count = "SELECT count(*) FROM grant_rotation WHERE lifecycle <> 'active'";
        Ok(usize::try_from(sqlx::query_scalar::<_, i64>(count).fetch_one(&self.0).await?)?)
    }

    async fn events(&self) -> Result<Vec<Event>> {
        let rows = sqlx::query(
            "SELECT e.sequence, e.type, uuid_send(e.grant_id) AS grant_id, e.generation
             FROM (SELECT sequence, 0 AS id, type, grant_id, generation FROM events
                   UNION ALL SELECT NULL, id, type, grant_id, generation FROM event_inbox) e
             ORDER BY e.sequence NULLS LAST, e.id",
        )
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(event).collect()
    }

    async fn escrow_of_owners(&self) -> Result<Option<HashMap<u128, u128>>> {
        let rows = sqlx::query(
            "SELECT uuid_send(incarnation) AS incarnation, uuid_send(escrow_id) AS escrow_id FROM replicas",
        )
        .fetch_all(&self.0)
        .await?;
        let pair = |row: &PgRow| Ok((id(row.try_get("incarnation")?), id(row.try_get("escrow_id")?)));
        rows.iter().map(pair).collect::<Result<_>>().map(Some)
    }
}

fn attempt(row: &PgRow) -> Result<Attempt> {
    Ok(Attempt {
        id: id(row.try_get("id")?),
        grant: id(row.try_get("grant_id")?),
        generation: unsigned(row.try_get("generation")?),
        owner: id(row.try_get("owner")?),
        claimed_micros: unsigned(row.try_get("claimed_at")?),
        sent_micros: row.try_get::<Option<i64>, _>("sent_at")?.map(unsigned),
        closed_micros: row.try_get::<Option<i64>, _>("closed_at")?.map(unsigned),
        conclusion: row.try_get("conclusion")?,
        adopted_micros: row.try_get::<Option<i64>, _>("adopted_at")?.map(unsigned),
    })
}

fn event(row: &PgRow) -> Result<Event> {
    let grant = row.try_get::<Option<&[u8]>, _>("grant_id")?.map(id);
    let generation = row.try_get::<Option<i64>, _>("generation")?.map(unsigned);
    Ok(Event {
        sequence: row.try_get::<Option<i64>, _>("sequence")?.map(unsigned),
        r#type: row.try_get("type")?,
        grant: grant.zip(generation),
    })
}

fn restless(row: &PgRow) -> Result<Restless> {
    Ok(Restless {
        grant: id(row.try_get("id")?),
        generation: unsigned(row.try_get("generation")?),
        presentation_no: row.try_get::<Option<i32>, _>("presentation_no")?.map_or(0, |n| unsigned(n.into())),
        phase: row.try_get("phase")?,
    })
}
