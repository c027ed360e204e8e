//! Access policies.

use async_trait::async_trait;
use broker_core::ports::{AccessStore, PolicyCreation, StoreError};
use broker_core::{
    AccessPolicy, AccessRule, ActionSet, AuditRecord, PolicyId, PolicyOrigin, PrincipalPattern, ProviderName,
    Reach, RequestId, RequestRate, ScopeLimit, TenantId, Timestamp,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::{failed, operation};

#[async_trait]
impl AccessStore for SqliteStore {
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<RequestId>,
        repeatable_since: Timestamp,
        record: &AuditRecord,
    ) -> Result<PolicyCreation, StoreError> {
        operation("create_policy", async {
            let mut tx = self.write().await?;
            if insert(&mut tx, policy, request).await? {
                audit::write(&mut tx, record).await?;
                tx.commit().await.map_err(failed)?;
                return Ok(PolicyCreation::Created);
            }
            let Some(earlier) = of_request(&mut tx, request).await? else {
                return Ok(PolicyCreation::Exists);
            };
            Ok(PolicyCreation::after(&policy.rule, earlier, repeatable_since))
        })
        .await
    }

    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError> {
        operation("policies", async {
            sqlx::query("SELECT * FROM access_policies WHERE ?1 IS NULL OR id > ?1 ORDER BY id LIMIT ?2")
                .bind(after.as_ref().map(|after| after.as_bytes().as_slice()))
                .bind(limit)
                .fetch_all(&self.readers)
                .await
                .map_err(failed)?
                .iter()
                .map(from_row)
                .collect()
        })
        .await
    }

    async fn delete_policy(&self, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError> {
        operation("delete_policy", async {
            let mut tx = self.write().await?;
            let deleted = delete(&mut tx, id).await?;
            if deleted {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(deleted)
        })
        .await
    }

    async fn policies_version(&self) -> Result<u64, StoreError> {
        operation("policies_version", async {
            let row = sqlx::query("SELECT version FROM access_version").fetch_one(&self.readers).await;
            row.map_err(failed)?.number("version")
        })
        .await
    }
}

/// `false`: its rule or its request's id stands there already.
async fn insert(
    connection: &mut SqliteConnection,
    policy: &AccessPolicy,
    request: Option<RequestId>,
) -> Result<bool, StoreError> {
    let PolicyOrigin::Created(created_at) = policy.origin else {
        return Err(StoreError::Inconsistent("a configured policy is not kept"));
    };
    let rule = &policy.rule;
    let inserted = sqlx::query(
        "INSERT INTO access_policies (id, rule_digest, principal, actions, tenant, provider, max_scopes,
                                      requests_per_second, description, created_at, request_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO NOTHING",
    )
    .bind(policy.id.as_bytes().as_slice())
    .bind(rule.digest().to_vec())
    .bind(rule.principal.as_str())
    .bind(rule.actions.to_string())
    .bind(rule.tenant.to_string())
    .bind(rule.provider.to_string())
    .bind_scopes(rule.max_scopes.as_slice())
    .bind(rule.rate.map(RequestRate::per_second))
    .bind(policy.description.as_str())
    .bind_time(created_at)
    .bind(request.as_ref().map(|request| request.as_bytes().as_slice()))
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

async fn delete(connection: &mut SqliteConnection, id: PolicyId) -> Result<bool, StoreError> {
    let deleted = sqlx::query("DELETE FROM access_policies WHERE id = ?1")
        .bind(id.as_bytes().as_slice())
        .execute(connection)
        .await
        .map_err(failed)?;
    Ok(deleted.rows_affected() == 1)
}

/// What a request has created, if it has one and it still stands.
async fn of_request(
    connection: &mut SqliteConnection,
    request: Option<RequestId>,
) -> Result<Option<AccessPolicy>, StoreError> {
    let Some(request) = request else { return Ok(None) };
    sqlx::query("SELECT * FROM access_policies WHERE request_id = ?1")
        .bind(request.as_bytes().as_slice())
        .fetch_optional(connection)
        .await
        .map_err(failed)?
        .map(|row| from_row(&row))
        .transpose()
}

fn from_row(row: &SqliteRow) -> Result<AccessPolicy, StoreError> {
    let rate = row.get_as::<Option<f64>>("requests_per_second")?.map(RequestRate::new).transpose();
    let max_scopes = ScopeLimit::new(row.scopes("max_scopes")?);
    Ok(AccessPolicy {
        id: row.id("id", PolicyId::from_bytes)?,
        rule: AccessRule {
            principal: row.name("principal", PrincipalPattern::new)?,
            actions: row.word("actions", ActionSet::from_names)?,
            tenant: row.name("tenant", |text| Reach::new(text, TenantId::new))?,
            provider: row.name("provider", |text| Reach::new(text, ProviderName::new))?,
            max_scopes: max_scopes.map_err(|_| StoreError::Inconsistent("max_scopes"))?,
            rate: rate.map_err(|_| StoreError::Inconsistent("requests_per_second"))?,
        },
        description: row.text("description")?,
        origin: PolicyOrigin::Created(row.time("created_at")?),
    })
}
