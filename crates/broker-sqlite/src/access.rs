//! Access policies.

use async_trait::async_trait;
use broker_core::ports::{AccessStore, CreateOutcome, RequestMark, StoreError};
use broker_core::{
    AccessPolicy, AccessRule, ActionSet, AuditRecord, PolicyId, PolicyOrigin, PrincipalPattern, ProviderName,
    Quota, QuotaKind, Reach, RequestRate, ScopeLimit, TenantId,
};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::audit;
use crate::columns::{BindDomain, Columns};
use crate::operation::failed;
use crate::{quotas, requests};

#[async_trait]
impl AccessStore for SqliteStore {
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.operation("create_policy", async {
            let mut tx = self.write().await?;
            let outcome = create(&mut tx, policy, request, self.policy_quota(policy), record).await?;
            if !matches!(outcome, CreateOutcome::OverQuota(_)) {
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError> {
        self.operation("policies", async {
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
        self.operation("delete_policy", async {
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
        self.operation("policies_version", async {
            let row = sqlx::query("SELECT version FROM access_version").fetch_one(&self.readers).await;
            row.map_err(failed)?.number("version")
        })
        .await
    }
}

impl SqliteStore {
    /// The tenant the policy is about, and its quota; `None` for a policy about every tenant.
    fn policy_quota<'a>(&self, policy: &'a AccessPolicy) -> Option<(&'a TenantId, Quota)> {
        match &policy.rule.tenant {
            Reach::One(tenant) => Some((tenant, self.quotas.of(tenant, QuotaKind::AccessPolicies))),
            Reach::All => None,
        }
    }
}

/// The caller rolls back what is over quota.
async fn create(
    connection: &mut SqliteConnection,
    policy: &AccessPolicy,
    request: Option<&RequestMark>,
    quota: Option<(&TenantId, Quota)>,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    let about = policy.rule.tenant.to_string();
    if let Some(before) = requests::before(connection, &about, request).await? {
        return Ok(before);
    }
    if !insert(connection, policy).await? {
        return Ok(CreateOutcome::Taken);
    }
    requests::keep(connection, &about, request, &policy.id.to_string()).await?;
    if let Some((tenant, quota)) = quota
        && quotas::policies_exceed(connection, quota, tenant).await?
    {
        return Ok(CreateOutcome::OverQuota(quota));
    }
    audit::write(connection, record).await?;
    Ok(CreateOutcome::Created)
}

/// `false`: its rule stands there already.
async fn insert(connection: &mut SqliteConnection, policy: &AccessPolicy) -> Result<bool, StoreError> {
    let PolicyOrigin::Created(created_at) = policy.origin else {
        return Err(StoreError::Inconsistent("a configured policy is not kept"));
    };
    let rule = &policy.rule;
    let inserted = sqlx::query(
        "INSERT INTO access_policies (id, rule_digest, principal, actions, tenant, provider, max_scopes,
                                      requests_per_second, description, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
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
