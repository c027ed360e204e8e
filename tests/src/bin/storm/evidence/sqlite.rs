//! The embedded store.

use std::collections::HashMap;
use std::path::Path;

use anyhow::Result;
use async_trait::async_trait;
use sqlx::Row as _;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqliteRow};

use super::{Attempt, Event, Reader, Restless, id, unsigned};

/// The broker's database file, open for reading.
pub(crate) struct Sqlite(SqlitePool);

impl Sqlite {
    pub(crate) async fn open(file: &Path) -> Result<Self> {
        let options = SqliteConnectOptions::new().filename(file).read_only(true);
        Ok(Self(SqlitePool::connect_with(options).await?))
    }
}

#[async_trait]
impl Reader for Sqlite {
    async fn attempts(&self) -> Result<Vec<Attempt>> {
        let rows = sqlx::query(
            "SELECT id, grant_id, generation, owner, claimed_at, sent_at, closed_at, conclusion,
                    CASE WHEN adopted_generation IS NULL THEN NULL ELSE closed_at END AS adopted_at
             FROM attempts WHERE kind = 'refresh'",
        )
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(attempt).collect()
    }

    async fn restless(&self) -> Result<Vec<Restless>> {
        let rows = sqlx::query(
            "SELECT g.id, g.generation, g.phase,
                    (SELECT max(a.presentation_no) FROM attempts a
                     WHERE a.grant_id = g.id AND a.generation = g.generation) AS presentation_no
             FROM grants g WHERE g.lifecycle = 'active' AND g.phase <> 'idle'",
        )
        .fetch_all(&self.0)
        .await?;
        rows.iter().map(restless).collect()
    }

    async fn given_up(&self) -> Result<usize> {
        let count = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM grants WHERE lifecycle <> 'active'");
        Ok(usize::try_from(count.fetch_one(&self.0).await?)?)
    }

    async fn events(&self) -> Result<Vec<Event>> {
        let rows = sqlx::query("SELECT sequence, type, grant_id, generation FROM events ORDER BY sequence")
            .fetch_all(&self.0)
            .await?;
        rows.iter().map(event).collect()
    }

    async fn escrow_of_owners(&self) -> Result<Option<HashMap<u128, u128>>> {
        // One process at a time has the file open: whoever owned an attempt was the only replica.
        Ok(None)
    }
}

fn attempt(row: &SqliteRow) -> Result<Attempt> {
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

fn event(row: &SqliteRow) -> Result<Event> {
    let grant = row.try_get::<Option<&[u8]>, _>("grant_id")?.map(id);
    let generation = row.try_get::<Option<i64>, _>("generation")?.map(unsigned);
    Ok(Event {
        sequence: Some(unsigned(row.try_get("sequence")?)),
        r#type: row.try_get("type")?,
        grant: grant.zip(generation),
    })
}

fn restless(row: &SqliteRow) -> Result<Restless> {
    Ok(Restless {
        grant: id(row.try_get("id")?),
        generation: unsigned(row.try_get("generation")?),
        presentation_no: unsigned(row.try_get::<Option<i64>, _>("presentation_no")?.unwrap_or(0)),
        phase: row.try_get("phase")?,
    })
}
