//! Whose account a lineage is of, and which refresh token began it: what a new one is refused for.

use broker_core::ports::{AdoptOutcome, Adoption, Lineage, MOST_SHARERS, ReplacedTokens, StoreError};
use broker_core::{AccountDigest, AuditAction, Authorization, GrantKey, LineageId};
use sqlx::SqliteConnection;

use super::attempts::authorization_of;
use super::close;
use super::lookup::Standing;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::revocations::answers;

/// The conclusions of attempts whose answers were refused.
const ACCOUNT_CHANGED: &str = "account_changed";
const DUPLICATE_TOKEN: &str = "duplicate_token";

/// The refusal an attempt was closed with: it is final.
pub(crate) fn refused_before(conclusion: Option<&str>) -> Option<AdoptOutcome> {
    match conclusion {
        Some(ACCOUNT_CHANGED) => Some(AdoptOutcome::AccountChanged),
        Some(DUPLICATE_TOKEN) => Some(AdoptOutcome::DuplicateToken),
        _ => None,
    }
}

/// Why a new lineage is refused. Settled here, where it is.
pub(crate) async fn refuse(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
    standing: Option<&Standing>,
) -> Result<Option<AdoptOutcome>, StoreError> {
    let Lineage::New { .. } = adoption.lineage else { return Ok(None) };
    let pinned = standing.filter(|grant| !grant.is_revoked).and_then(|grant| grant.upstream_account);
    let origin = &adoption.origin;
    if pinned.is_some() && pinned != origin.account && !origin.may_change_account {
        settle_changed_account(connection, adoption).await?;
        return Ok(Some(AdoptOutcome::AccountChanged));
    }
    let Some(token) = origin.refresh_token else { return Ok(None) };
    let key = &adoption.attempt.key;
    if began(connection, key, &token.0, true).await? {
        close_refused(connection, adoption, DUPLICATE_TOKEN, AuditAction::REFUSE_TOKEN).await?;
        return Ok(Some(AdoptOutcome::DuplicateToken));
    }
    Ok(None)
}

/// Whether the token of an import began an active grant of its tenant, be it the very grant it is imported for.
pub(crate) async fn is_duplicate(
    connection: &mut SqliteConnection,
    authorization: &Authorization,
) -> Result<bool, StoreError> {
    let Some(import) = authorization.import else { return Ok(false) };
    began(connection, &authorization.key, &import.fingerprint.0, false).await
}

async fn began(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    fingerprint: &[u8; 32],
    others_only: bool,
) -> Result<bool, StoreError> {
    sqlx::query(
        "SELECT EXISTS (SELECT 1 FROM grants WHERE tenant = ?1 AND refresh_token_fingerprint = ?2
                          AND lifecycle = 'active' AND NOT (?3 AND id = ?4)) AS began",
    )
    .bind(key.tenant.as_str())
    .bind(fingerprint.as_slice())
    .bind(others_only)
    .bind(key.grant_id().as_bytes().as_slice())
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .flag("began")
}

/// The grant is due at once: whether it lived through the consent is not known (rule 13).
async fn settle_changed_account(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
) -> Result<(), StoreError> {
    if !close_refused(connection, adoption, ACCOUNT_CHANGED, AuditAction::REFUSE_ACCOUNT).await? {
        return Ok(());
    }
    if adoption.replaced == ReplacedTokens::Revoke {
        answers::keep(connection, adoption).await?;
    }
    sqlx::query(
        "UPDATE grants SET due_at = ?5, updated_at = ?5
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4
           AND lifecycle = 'active' AND phase = 'idle' AND due_at > ?5",
    )
    .bind_key(&adoption.attempt.key)
    .bind_time(adoption.at)
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(())
}

/// `false`: the attempt was closed before, or its row is lost.
async fn close_refused(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
    why: &'static str,
    action: AuditAction,
) -> Result<bool, StoreError> {
    let attempt = &adoption.attempt;
    if !close::close_row(connection, attempt, why, adoption.at).await? {
        return Ok(false);
    }
    if let Some(id) = authorization_of(attempt) {
        close::fail_authorization(connection, attempt, id, why, adoption.at).await?;
    }
    let resource = format!("attempts/{}", attempt.id);
    audit::write_of_grant(connection, &attempt.key, action, None, &resource, adoption.at).await?;
    Ok(true)
}

/// Keeps what is known of a lineage that has begun, and records what its users should know.
pub(crate) async fn keep(connection: &mut SqliteConnection, adoption: &Adoption) -> Result<(), StoreError> {
    let Lineage::New { .. } = adoption.lineage else { return Ok(()) };
    let (attempt, origin) = (&adoption.attempt, &adoption.origin);
    sqlx::query("UPDATE grants SET upstream_account = ?2, refresh_token_fingerprint = ?3 WHERE id = ?1")
        .bind(attempt.grant_id().as_bytes().as_slice())
        .bind(origin.account.as_ref().map(|account| account.0.as_slice()))
        .bind(origin.refresh_token.as_ref().map(|token| token.0.as_slice()))
        .execute(&mut *connection)
        .await
        .map_err(failed)?;
    if adoption.tokens.refresh_token.is_none() {
        note(connection, adoption, AuditAction::NO_OFFLINE_ACCESS).await?;
    }
    match sharers(connection, &attempt.key).await? {
        0 => Ok(()),
        _ => note(connection, adoption, AuditAction::SHARE_ACCOUNT).await,
    }
}

async fn note(
    connection: &mut SqliteConnection,
    adoption: &Adoption,
    action: AuditAction,
) -> Result<(), StoreError> {
    let attempt = &adoption.attempt;
    let (generation, resource) = (Some(adoption.tokens.generation), format!("attempts/{}", attempt.id));
    audit::write_of_grant(connection, &attempt.key, action, generation, &resource, adoption.at).await
}

/// How many grants of other users are of the same account.
pub(crate) async fn sharers(connection: &mut SqliteConnection, key: &GrantKey) -> Result<u32, StoreError> {
    sqlx::query(
        "SELECT count(*) AS sharers FROM (
             SELECT 1 FROM grants mine
             JOIN grants other ON other.tenant = mine.tenant AND other.provider = mine.provider
                              AND other.upstream_account = mine.upstream_account AND other.user_id <> mine.user_id
             WHERE mine.tenant = ?1 AND mine.provider = ?2 AND mine.user_id = ?3 AND mine.account = ?4
               AND other.lifecycle NOT IN ('revoking', 'revoked')
             LIMIT ?5)",
    )
    .bind_key(key)
    .bind(MOST_SHARERS)
    .fetch_one(connection)
    .await
    .map_err(failed)?
    .number("sharers")
}

/// Notes an account that was learnt after the lineage began.
pub(crate) async fn note_account(
    connection: &mut SqliteConnection,
    key: &GrantKey,
    lineage: LineageId,
    account: AccountDigest,
) -> Result<bool, StoreError> {
    let noted = sqlx::query(
        "UPDATE grants SET upstream_account = ?6
         WHERE tenant = ?1 AND provider = ?2 AND user_id = ?3 AND account = ?4 AND lineage = ?5
           AND upstream_account IS NULL AND lifecycle NOT IN ('revoking', 'revoked')",
    )
    .bind_key(key)
    .bind(lineage.as_bytes().as_slice())
    .bind(account.0.as_slice())
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(noted.rows_affected() == 1)
}
