//! Where a grant stands, read inside a transaction that is about to change it.

use broker_core::ports::StoreError;
use broker_core::{AccountDigest, Generation, GrantKey, LineageId, Timestamp};
use sqlx::SqliteConnection;

use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

/// What an adoption is judged by.
pub(crate) struct Standing {
    pub(crate) lineage: LineageId,
    pub(crate) generation: Generation,
    /// The presentation its token set answers: at which generation, and its number.
    pub(crate) adopted_from: (Generation, u32),
    /// It is being revoked, or was.
    pub(crate) is_revoked: bool,
    /// When it was last asked to be revoked.
    pub(crate) revoked_at: Option<Timestamp>,
    /// The account at the provider that it is of.
    pub(crate) upstream_account: Option<AccountDigest>,
}

pub(crate) async fn standing(
    connection: &mut SqliteConnection,
    key: &GrantKey,
) -> Result<Option<Standing>, StoreError> {
    let row = sqlx::query(
        "SELECT lineage, generation, adopted_from_generation, adopted_from_presentation_no, revoked_at,
                upstream_account,
                lifecycle IN ('revoking', 'revoked') AS is_revoked FROM grants
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
        adopted_from: (
            row.generation("adopted_from_generation")?,
            row.number("adopted_from_presentation_no")?,
        ),
        is_revoked: row.flag("is_revoked")?,
        revoked_at: row.optional_time("revoked_at")?,
        upstream_account: row.optional_code("upstream_account")?.map(AccountDigest),
    }))
}
