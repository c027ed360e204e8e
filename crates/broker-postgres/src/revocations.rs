//! Token sets that are to be revoked at their provider.

use async_trait::async_trait;
use broker_core::ports::{PendingRevocation, RevocationStore, StoreError, TakeRevocations};
use broker_core::{
    AuditRecord, FailureKind, GrantKey, LastFailure, RegistrationId, RevocationId, RevocationOutcome,
    TenantId, Timestamp,
};
use broker_crypto::Sealed;
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::PostgresStore;
use crate::audit;
use crate::columns::{foreign_text, generation, key, name, number, time, uuid, word};
use crate::operation::failed;

#[async_trait]
impl RevocationStore for PostgresStore {
    async fn revoke(
        &self,
        keys: &[GrantKey],
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<Vec<GrantKey>, StoreError> {
        self.operation("revoke", async {
            let mut tx = self.pools.consent.begin().await.map_err(failed)?;
            let revoked = revoke(&mut tx, keys, at).await?;
            audit::write_for_each(&mut tx, record, &revoked).await?;
            tx.commit().await.map_err(failed)?;
            Ok(revoked)
        })
        .await
    }

    async fn take_revocations(&self, ask: TakeRevocations) -> Result<Vec<PendingRevocation>, StoreError> {
        self.operation("take_revocations", take(&self.pools.rotation, ask)).await
    }

    async fn is_pending(&self, tenant: &TenantId, id: RevocationId) -> Result<bool, StoreError> {
        self.operation("is_pending", is_pending(&self.pools.rotation, tenant, id)).await
    }

    async fn put_off(
        &self,
        revocation: &PendingRevocation,
        failure: Option<&LastFailure>,
        until: Timestamp,
    ) -> Result<(), StoreError> {
        self.operation("put_off", put_off(&self.pools.adoption, revocation, failure, until)).await
    }

    async fn end_revocation(
        &self,
        revocation: &PendingRevocation,
        outcome: RevocationOutcome,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("end_revocation", end(&self.pools.adoption, revocation, outcome, at)).await
    }

    async fn revoked_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantKey>, StoreError> {
        self.operation("revoked_since", revoked_since(&self.pools.vending, since, limit)).await
    }

    async fn prune_revocations(&self, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_revocations", prune(&self.pools.consent, ended_before, limit)).await
    }
}

async fn revoke(
    connection: &mut PgConnection,
    keys: &[GrantKey],
    at: Timestamp,
) -> Result<Vec<GrantKey>, StoreError> {
    let ids: Vec<Uuid> = keys.iter().map(|key| uuid(key.grant_id().as_bytes())).collect();
    let tenants: Vec<String> = keys.iter().map(|key| key.tenant.to_string()).collect();
    let fresh = sqlx::query_scalar!(
        r#"SELECT revoked AS "revoked!" FROM revoke_grants($1, $2, $3) revoked"#,
        &ids,
        &tenants,
        at.as_unix_micros(),
    )
    .fetch_all(connection)
    .await
    .map_err(failed)?;
    let is_fresh = |id: &Uuid| fresh.contains(id);
    Ok(keys.iter().zip(&ids).filter(|(_, id)| is_fresh(id)).map(|(key, _)| key.clone()).collect())
}

/// Of several takers each gets rows that no other is about to take.
async fn take(pool: &PgPool, ask: TakeRevocations) -> Result<Vec<PendingRevocation>, StoreError> {
    let rows = sqlx::query!(
        r#"WITH due AS (
               SELECT d.id FROM revocations d WHERE d.due_at <= $1
               ORDER BY d.due_at LIMIT $3 FOR UPDATE SKIP LOCKED
           )
           UPDATE revocations v SET due_at = $2 FROM due, grants g WHERE v.id = due.id AND g.id = v.grant_id
           RETURNING v.id, v.registration, v.generation, v.refresh_token_generation, v.access_token AS "access_token!",
                     v.refresh_token, v.failure_kind, v.failure_at, v.failure_since, v.failure_in_a_row, g.tenant,
                     g.provider, g.user_id, g.account"#,
        ask.due_by.as_unix_micros(),
        ask.hold_until.as_unix_micros(),
        i64::from(ask.limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let pending = rows.into_iter().map(|row| {
        let sealed_for = row.refresh_token_generation;
        let sealed_for = sealed_for.map(|kept| generation(kept, "refresh_token_generation")).transpose()?;
        let failure = (row.failure_kind, row.failure_at, row.failure_since, row.failure_in_a_row);
        Ok(PendingRevocation {
            id: RevocationId::from_bytes(row.id.into_bytes()),
            key: key([row.tenant, row.provider, row.user_id, row.account])?,
            registration: name(row.registration, RegistrationId::new, "registration")?,
            generation: generation(row.generation, "generation")?,
            access_token: Sealed::from_bytes(row.access_token),
            refresh_token: row.refresh_token.map(Sealed::from_bytes).zip(sealed_for),
            last_failure: last_failure(failure)?,
        })
    });
    pending.collect()
}

fn last_failure(
    columns: (Option<String>, Option<i64>, Option<i64>, Option<i64>),
) -> Result<Option<LastFailure>, StoreError> {
    let (Some(kind), Some(at), Some(since), Some(in_a_row)) =
        (columns.0, time(columns.1), time(columns.2), columns.3)
    else {
        return Ok(None);
    };
    let kind = word(&kind, FailureKind::from_name, "failure_kind")?;
    let in_a_row = number(in_a_row, "failure_in_a_row")?;
    // What the provider said stands with the grant, for people.
    Ok(Some(LastFailure { kind, at, oauth_error: None, http_status: None, in_a_row, since }))
}

async fn is_pending(pool: &PgPool, tenant: &TenantId, id: RevocationId) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT 1 FROM revocations WHERE tenant = $1 AND id = $2 AND ended_at IS NULL) AS "is!""#,
        tenant.as_str(),
        uuid(id.as_bytes()),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}

async fn put_off(
    pool: &PgPool,
    revocation: &PendingRevocation,
    failure: Option<&LastFailure>,
    until: Timestamp,
) -> Result<(), StoreError> {
    sqlx::query!(
        "SELECT put_off_revocation($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        uuid(revocation.id.as_bytes()),
        uuid(revocation.key.grant_id().as_bytes()),
        revocation.key.tenant.as_str(),
        until.as_unix_micros(),
        failure.map(|failure| failure.kind.as_str()) as _,
        failure.map(|failure| failure.at.as_unix_micros()) as _,
        failure.map(|failure| failure.since.as_unix_micros()) as _,
        failure.map(|failure| i64::from(failure.in_a_row)) as _,
        failure.and_then(|failure| failure.oauth_error.as_deref()).map(foreign_text) as _,
        failure.and_then(|failure| failure.http_status).map(i32::from) as _,
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

async fn end(
    pool: &PgPool,
    revocation: &PendingRevocation,
    outcome: RevocationOutcome,
    at: Timestamp,
) -> Result<bool, StoreError> {
    sqlx::query_scalar!(
        r#"SELECT end_revocation($1, $2, $3, $4, $5) AS "revoked!""#,
        uuid(revocation.id.as_bytes()),
        uuid(revocation.key.grant_id().as_bytes()),
        revocation.key.tenant.as_str(),
        outcome.as_str(),
        at.as_unix_micros(),
    )
    .fetch_one(pool)
    .await
    .map_err(failed)
}

async fn revoked_since(pool: &PgPool, since: Timestamp, limit: u32) -> Result<Vec<GrantKey>, StoreError> {
    let rows = sqlx::query!(
        r#"SELECT tenant AS "tenant!", provider AS "provider!", user_id AS "user_id!", account AS "account!"
           FROM revoked_since($1, $2)"#,
        since.as_unix_micros(),
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(|row| key([row.tenant, row.provider, row.user_id, row.account])).collect()
}

async fn prune(pool: &PgPool, ended_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
    let deleted = sqlx::query!(
        "DELETE FROM revocations WHERE id IN (
             SELECT o.id FROM revocations o WHERE o.ended_at < $1 ORDER BY o.ended_at LIMIT $2)",
        ended_before.as_unix_micros(),
        i64::from(limit),
    )
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(deleted.rows_affected())
}
