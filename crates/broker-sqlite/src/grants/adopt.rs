//! The compare-and-set that makes an answer the grant's token set.

use broker_core::ports::{AdoptOutcome, Adoption, Lineage, StoreError};
use broker_core::{Attempt, Generation, Timestamp};
use sqlx::SqliteConnection;

use super::lookup::{self, Standing};
use super::{attempts, close, token_set};
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;

pub(crate) async fn adopt(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
) -> Result<AdoptOutcome, StoreError> {
    check(adoption)?;
    let attempt = &adoption.attempt;
    if let Some(generation) = adopted_before(connection, attempt).await? {
        return Ok(AdoptOutcome::AlreadyAdopted(generation));
    }
    let standing = lookup::standing(connection, &attempt.key).await?;
    let outcome = match later_consent(connection, attempt).await? {
        true => AdoptOutcome::Superseded,
        false => judge(adoption, standing.as_ref()),
    };
    match outcome {
        AdoptOutcome::Adopted(_) => {
            token_set::keep(connection, adoption, standing.is_some()).await?;
            close_adopted(connection, adoption).await?;
            close_overtaken(connection, attempt, adoption.at).await?;
            complete_authorization(connection, adoption).await?;
        }
        AdoptOutcome::Superseded => supersede(connection, attempt, adoption.at).await?,
        AdoptOutcome::AlreadyAdopted(_) | AdoptOutcome::Moved(_) => {}
    }
    Ok(outcome)
}

/// What no caller may ask for.
fn check(adoption: &Adoption) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    let fits = match adoption.lineage {
        Lineage::Present => adoption.base == attempt.generation,
        Lineage::New { authorization, .. } => attempts::authorization_of(attempt) == Some(authorization),
    };
    match fits && adoption.tokens.generation == adoption.base.next() {
        true => Ok(()),
        false => Err(StoreError::Inconsistent("an adoption does not fit its attempt")),
    }
}

/// The generation this attempt was adopted as, if it was.
async fn adopted_before(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
) -> Result<Option<Generation>, StoreError> {
    let row = sqlx::query(
        "SELECT adopted_generation FROM attempts
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5
           AND lineage = ?6 AND generation = ?7",
    )
    .bind_key(&attempt.key)
    .bind(attempt.id.as_bytes().as_slice())
    .bind(attempt.lineage.as_bytes().as_slice())
    .bind_generation(attempt.generation)
    .fetch_optional(connection)
    .await
    .map_err(failed)?
    .ok_or(StoreError::Inconsistent("an adoption names an attempt that was never claimed"))?;
    Ok(row.optional_number("adopted_generation")?.map(Generation::new))
}

/// Judges by lineage and generation alone. Whether the attempt is still open, and what phase or lifecycle the
/// grant is in, does not matter: an answer that comes late is still the newest thing the provider said.
fn judge(adoption: &Adoption, standing: Option<&Standing>) -> AdoptOutcome {
    let wins = AdoptOutcome::Adopted(adoption.base.next());
    match (adoption.lineage, standing) {
        (Lineage::Present, Some(grant))
            if grant.lineage == adoption.attempt.lineage && grant.generation <= adoption.base =>
        {
            wins
        }
        (Lineage::Present, _) => AdoptOutcome::Superseded,
        (Lineage::New { .. }, grant) => match grant.map_or(Generation::NONE, |grant| grant.generation) {
            generation if generation == adoption.base => wins,
            generation => AdoptOutcome::Moved(generation),
        },
    }
}

/// Whether this is a consent and the user has consented once more since: the later consent stands. Later by the order
/// in which the store saw them, not by a clock that may step back.
async fn later_consent(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<bool, StoreError> {
    let later = sqlx::query(
        "SELECT 1 FROM attempts mine JOIN attempts later ON later.grant_id = mine.grant_id
         WHERE mine.tenant = ?1 AND mine.id = ?2 AND mine.kind <> 'refresh'
           AND later.kind <> 'refresh' AND later.adopted_generation IS NOT NULL AND later.rowid > mine.rowid",
    )
    .bind(attempt.key.tenant.as_str())
    .bind(attempt.id.as_bytes().as_slice())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    Ok(later.is_some())
}

async fn close_adopted(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts
         SET adopted_generation = ?6, conclusion = 'adopted', closed_at = coalesce(closed_at, ?7)
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id = ?5",
    )
    .bind_key(&adoption.attempt.key)
    .bind(adoption.attempt.id.as_bytes().as_slice())
    .bind_generation(adoption.tokens.generation)
    .bind_time(adoption.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Any other refresh that was claimed and not yet sent holds a token which now has a successor. Sending it could
/// cost the whole family (RFC 9700 §4.14.2), so it is closed here and its SENT will be refused. One of another lineage
/// is closed even if it was sent: its answer cannot be adopted any more, and left open it would block the new lineage.
async fn close_overtaken(
    connection: &mut SqliteConnection,
    adopted: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE attempts SET closed_at = ?6, conclusion = 'superseded'
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND id <> ?5
           AND kind = 'refresh' AND closed_at IS NULL AND (sent_at IS NULL OR lineage <> ?8) AND grant_id = ?7",
    )
    .bind_key(&adopted.key)
    .bind(adopted.id.as_bytes().as_slice())
    .bind_time(at)
    .bind(adopted.grant_id().as_bytes().as_slice())
    .bind(adopted.lineage.as_bytes().as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Whatever the authorization was marked as meanwhile: it has made its grant.
async fn complete_authorization(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
) -> Result<(), StoreError> {
    let Lineage::New { authorization, .. } = adoption.lineage else { return Ok(()) };
    sqlx::query(
        "UPDATE authorizations SET status = 'completed', failure = NULL, settled_at = ?3
         WHERE tenant = ?1 AND id = ?2",
    )
    .bind(adoption.attempt.key.tenant.as_str())
    .bind(authorization.as_bytes().as_slice())
    .bind_time(adoption.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// Records that the answer came to nothing. An attempt concluded before keeps its conclusion.
async fn supersede(
    connection: &mut SqliteConnection,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<(), StoreError> {
    close::close_row(connection, attempt, "superseded", at).await?;
    match attempts::authorization_of(attempt) {
        None => Ok(()),
        Some(id) => close::fail_authorization(connection, attempt, id, "superseded", at).await,
    }
}
