//! Where a grant stands, read inside a transaction that is about to change it.

use broker_core::ports::StoreError;
use broker_core::{Generation, GrantKey, LineageId};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// What an adoption is judged by.
pub(crate) struct Standing {
    pub(crate) lineage: LineageId,
    pub(crate) generation: Generation,
}

pub(crate) async fn standing(
    connection: &mut SqliteConnection,
    key: &GrantKey,
) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query(
        "SELECT lineage, generation FROM grants
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4",
    )
    .bind_key(key)
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Standing {
        lineage: row.id("lineage", LineageId::from_bytes)?,
        generation: row.generation("generation")?,
    }))
}
