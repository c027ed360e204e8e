//! The compare-and-set that makes an answer the grant's token set.

use broker_core::ports::{AdoptOutcome, Adoption, Lineage, ReplacedTokens, StoreError};
use broker_core::{Attempt, AttemptKind, AuditAction, Generation, LineageId, Timestamp};
use sqlx::SqliteConnection;

use super::lookup::{self, Standing};
use super::{attempts, close, origin, pauses, token_set};
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::revocations::answers;

pub(crate) async fn adopt(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
) -> Result<AdoptOutcome, StoreError> {
    check(adoption)?;
    let attempt = &adoption.attempt;
    let row = kept_row(connection, attempt).await?;
    if let Some(generation) = row.as_ref().and_then(|row| row.adopted_as) {
        return Ok(AdoptOutcome::AlreadyAdopted(generation));
    }
    if let Some(refused) = row.as_ref().and_then(|row| row.refused) {
        return Ok(refused);
    }
    let standing = lookup::standing(connection, &attempt.key).await?;
    if standing.as_ref().is_some_and(|grant| is_overruled(attempt, grant, row.as_ref())) {
        answers::revoke(connection, adoption).await?;
        return Ok(AdoptOutcome::Revoking);
    }
    let outcome = match later_consent(connection, attempt).await? {
        true => AdoptOutcome::Superseded,
        false => match origin::refuse(connection, adoption, standing.as_ref()).await? {
            Some(refused) => refused,
            None => judge(adoption, standing.as_ref()),
        },
    };
    match outcome {
        AdoptOutcome::Adopted(_) => {
            if standing.is_some() {
                answers::give_up_replaced(connection, adoption).await?;
            }
            token_set::keep(connection, adoption, standing.is_some()).await?;
            origin::keep(connection, adoption).await?;
            match row {
                Some(_) => close_adopted(connection, adoption).await?,
                None => {
                    attempts::insert_adopted(connection, attempt, adoption.tokens.generation, adoption.at)
                        .await?
                }
            }
            close_overtaken(connection, attempt, adoption.at).await?;
            complete_authorization(connection, adoption).await?;
            pauses::end(connection, attempt, adoption.at).await?;
            record(connection, adoption).await?;
            record_overrun(connection, adoption).await?;
        }
        AdoptOutcome::Superseded => {
            supersede(connection, attempt, adoption.at).await?;
            let replaced = standing.is_some_and(|grant| grant.lineage != attempt.lineage);
            if replaced && adoption.replaced == ReplacedTokens::Revoke {
                answers::keep(connection, adoption).await?;
            }
        }
        AdoptOutcome::AlreadyAdopted(_)
        | AdoptOutcome::Moved(_)
        | AdoptOutcome::Revoking
        | AdoptOutcome::AccountChanged
        | AdoptOutcome::DuplicateToken => {}
    }
    Ok(outcome)
}

/// What no caller may ask for.
fn check(adoption: &Adoption) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    let fits = match adoption.lineage {
        Lineage::Present => attempt.kind == AttemptKind::Refresh && adoption.base >= attempt.generation,
        Lineage::New { authorization, .. } => attempts::authorization_of(attempt) == Some(authorization),
    };
    match fits && adoption.tokens.generation == adoption.base.next() {
        true => Ok(()),
        false => Err(MISFIT),
    }
}

const MISFIT: StoreError = StoreError::Inconsistent("an adoption does not fit its attempt");

/// What the attempt's row says.
struct Kept {
    /// The generation it was adopted as, if it was.
    adopted_as: Option<Generation>,
    /// Its grant was revoked after it was claimed.
    is_revoked: bool,
    /// What it was refused for, if it was.
    refused: Option<AdoptOutcome>,
}

/// Whether the grant was revoked after this attempt was claimed. A consent that was claimed after it is a new one.
fn is_overruled(attempt: &Attempt, grant: &Standing, kept: Option<&Kept>) -> bool {
    let before = match (attempt.kind, kept) {
        (AttemptKind::Refresh, _) => true,
        (AttemptKind::CodeExchange(_), Some(kept)) => kept.is_revoked,
        // A failover has lost the attempt: only the clock knows.
        (AttemptKind::CodeExchange(_), None) => grant.revoked_at.is_some_and(|at| attempt.claimed_at <= at),
    };
    grant.is_revoked && before
}

/// The attempt's row; `None` if a failover has lost it. The id alone finds
/// it, so that an attempt of somebody else is not taken for a lost one.
async fn kept_row(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<Option<Kept>, StoreError> {
    let row = sqlx::query(
        "SELECT tenant, provider, user_id, account, lineage, generation, adopted_generation,
                conclusion, revoked_at IS NOT NULL AS is_revoked
         FROM attempts WHERE id = ?1",
    )
    .bind(attempt.id.as_bytes().as_slice())
    .fetch_optional(connection)
    .await
    .map_err(failed)?;
    let Some(row) = row else { return Ok(None) };
    let kept = (row.key()?, row.id("lineage", LineageId::from_bytes)?, row.generation("generation")?);
    match kept == (attempt.key.clone(), attempt.lineage, attempt.generation) {
        true => Ok(Some(Kept {
            adopted_as: row.optional_number("adopted_generation")?.map(Generation::new),
            is_revoked: row.flag("is_revoked")?,
            refused: origin::refused_before(row.optional_text("conclusion")?.as_deref()),
        })),
        false => Err(MISFIT),
    }
}

/// Judges by lineage, generation and presentation alone. Whether the attempt is still open, and what phase or lifecycle
/// the grant is in, does not matter: an answer that comes late is still the newest thing the provider said.
fn judge(adoption: &Adoption, standing: Option<&Standing>) -> AdoptOutcome {
    let Some(base) = winning_base(adoption, standing) else { return AdoptOutcome::Superseded };
    match base == adoption.base {
        true => AdoptOutcome::Adopted(base.next()),
        false => AdoptOutcome::Moved(base),
    }
}

/// The generation an answer that wins must be sealed after.
fn winning_base(adoption: &Adoption, standing: Option<&Standing>) -> Option<Generation> {
    let attempt = &adoption.attempt;
    match (adoption.lineage, standing) {
        (Lineage::New { .. }, grant) => Some(grant.map_or(Generation::NONE, |grant| grant.generation)),
        (Lineage::Present, Some(grant)) if grant.lineage == attempt.lineage => {
            let (generation, presentation_no) = grant.adopted_from;
            if grant.generation <= attempt.generation {
                Some(attempt.generation)
            } else if generation == attempt.generation && presentation_no < attempt.presentation_no {
                // A grace provider has answered one refresh token twice: its later answer holds.
                Some(grant.generation)
            } else {
                None
            }
        }
        (Lineage::Present, _) => None,
    }
}

/// Whether this is a consent and the user has consented once more since: the later consent stands. Later by the order
/// in which the store saw them, not by a clock that may step back; only where the attempt's row is lost, its place in
/// that order is lost too, and the clock decides.
async fn later_consent(connection: &mut SqliteConnection, attempt: &Attempt) -> Result<bool, StoreError> {
    if attempt.kind == AttemptKind::Refresh {
        return Ok(false);
    }
    let later = sqlx::query(
        "SELECT 1 FROM attempts later
         LEFT JOIN attempts mine ON mine.tenant = ?1 AND mine.id = ?2
         WHERE later.grant_id = ?3 AND later.kind <> 'refresh' AND later.adopted_generation IS NOT NULL
           AND iif(mine.id IS NULL, later.claimed_at > ?4, later.rowid > mine.rowid)",
    )
    .bind(attempt.key.tenant.as_str())
    .bind(attempt.id.as_bytes().as_slice())
    .bind(attempt.grant_id().as_bytes().as_slice())
    .bind_time(attempt.claimed_at)
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

async fn record(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    let action = match adoption.lineage {
        Lineage::Present => AuditAction::ROTATE,
        Lineage::New { .. } => AuditAction::CONSENT,
    };
    let resource = format!("attempts/{}", attempt.id);
    let generation = Some(adoption.tokens.generation);
    audit::write_of_grant(connection, &attempt.key, action, generation, &resource, adoption.at).await
}

/// The grant has outlived its window, which was not known before.
async fn record_overrun(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    if !adoption.overruns_window {
        return Ok(());
    }
    let resource = format!("attempts/{}", adoption.attempt.id);
    let (key, generation) = (&adoption.attempt.key, Some(adoption.tokens.generation));
    let action = AuditAction::OVERRUN_WINDOW;
    audit::write_of_grant(connection, key, action, generation, &resource, adoption.at).await
}

/// Marks that the answer came to nothing. An attempt concluded before keeps its conclusion.
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
