//! Access policies.

use async_trait::async_trait;
use broker_core::ports::{AccessStore, CreateOutcome, RequestMark, StoreError};
use broker_core::{
    AccessPolicy, AccessRule, ActionSet, AuditRecord, PolicyId, PolicyOrigin, PrincipalPattern, ProviderName,
    Quota, QuotaKind, Reach, RequestRate, ScopeLimit, TenantId, Timestamp,
};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::PostgresStore;
use crate::audit;
use crate::columns::{name, number, scopes, uuid, word};
use crate::operation::failed;
use crate::{quotas, requests, scope};

struct PolicyRow {
    id: Uuid,
    principal: String,
    actions: String,
    tenant: String,
    provider: String,
    max_scopes: String,
    requests_per_second: Option<f64>,
    description: String,
    created_at: i64,
}

#[async_trait]
impl AccessStore for PostgresStore {
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.operation(
            "create_policy",
            create(&self.pools.admin, policy, request, self.policy_quota(policy), record),
        )
        .await
    }

    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError> {
        self.operation("policies", page(&self.pools.vending, after, limit)).await
    }

    async fn delete_policy(&self, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("delete_policy", delete(&self.pools.admin, id, record)).await
    }

    async fn policies_version(&self) -> Result<u64, StoreError> {
        self.operation("policies_version", async {
            let version = sqlx::query_scalar!("SELECT version FROM access_version")
                .fetch_one(&self.pools.vending)
                .await
                .map_err(failed)?;
            number(version, "version")
        })
        .await
    }
}

impl PostgresStore {
    /// The tenant the policy is about, and its quota; `None` for a policy about every tenant.
    fn policy_quota<'a>(&self, policy: &'a AccessPolicy) -> Option<(&'a TenantId, Quota)> {
        match &policy.rule.tenant {
            Reach::One(tenant) => Some((tenant, self.quotas.of(tenant, QuotaKind::AccessPolicies))),
            Reach::All => None,
        }
    }
}

async fn create(
    pool: &PgPool,
    policy: &AccessPolicy,
    request: Option<&RequestMark>,
    quota: Option<(&TenantId, Quota)>,
    record: &AuditRecord,
) -> Result<CreateOutcome, StoreError> {
    let about = policy.rule.tenant.to_string();
    let mut tx = scope::begin(pool, &about).await?;
    if let Some(before) = requests::before(&mut tx, &about, request).await? {
        return Ok(before);
    }
    if !insert(&mut tx, policy).await? {
        return Ok(CreateOutcome::Taken);
    }
    requests::keep(&mut tx, &about, request, &policy.id.to_string()).await?;
    if let Some((tenant, quota)) = quota
        && quotas::policies_exceed(&mut tx, quota, tenant).await?
    {
        return Ok(CreateOutcome::OverQuota(quota));
    }
    audit::write(&mut tx, record).await?;
    tx.commit().await.map_err(failed)?;
    Ok(CreateOutcome::Created)
}

async fn delete(pool: &PgPool, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError> {
    let mut tx = scope::of_all(pool).await?;
    let deleted = sqlx::query!("DELETE FROM access_policies WHERE id = $1", uuid(id.as_bytes()))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    let deleted = deleted.rows_affected() == 1;
    if deleted {
        audit::write(&mut tx, record).await?;
    }
    tx.commit().await.map_err(failed)?;
    Ok(deleted)
}

/// `false`: its rule stands there already.
async fn insert(connection: &mut PgConnection, policy: &AccessPolicy) -> Result<bool, StoreError> {
    let PolicyOrigin::Created(created_at) = policy.origin else {
        return Err(StoreError::Inconsistent("a configured policy is not kept"));
    };
    let rule = &policy.rule;
    let digest = rule.digest();
    let inserted = sqlx::query!(
        "INSERT INTO access_policies (id, rule_digest, principal, actions, tenant, provider, max_scopes,
                                      requests_per_second, description, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT DO NOTHING",
        uuid(policy.id.as_bytes()),
        digest.as_slice(),
        rule.principal.as_str(),
        rule.actions.to_string(),
        rule.tenant.to_string(),
        rule.provider.to_string(),
        rule.max_scopes.as_slice().join(" "),
        rule.rate.map(RequestRate::per_second),
        policy.description.as_str(),
        created_at.as_unix_micros(),
    )
    .execute(connection)
    .await
    .map_err(failed)?;
    Ok(inserted.rows_affected() == 1)
}

async fn page(pool: &PgPool, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError> {
    let rows = sqlx::query_as!(
        PolicyRow,
        r#"SELECT id AS "id!", principal AS "principal!", actions AS "actions!", tenant AS "tenant!",
                  provider AS "provider!", max_scopes AS "max_scopes!", requests_per_second,
                  description AS "description!", created_at AS "created_at!"
           FROM policies_after($1, $2)"#,
        after.map(|after| uuid(after.as_bytes())) as Option<Uuid>,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.into_iter().map(from_row).collect()
}

fn from_row(row: PolicyRow) -> Result<AccessPolicy, StoreError> {
    let rate = row.requests_per_second.map(RequestRate::new).transpose();
    let max_scopes = ScopeLimit::new(scopes(&row.max_scopes));
    Ok(AccessPolicy {
        id: PolicyId::from_bytes(row.id.into_bytes()),
        rule: AccessRule {
            principal: name(row.principal, PrincipalPattern::new, "principal")?,
            actions: word(&row.actions, ActionSet::from_names, "actions")?,
            tenant: name(row.tenant, |text| Reach::new(text, TenantId::new), "tenant")?,
            provider: name(row.provider, |text| Reach::new(text, ProviderName::new), "provider")?,
            max_scopes: max_scopes.map_err(|_| StoreError::Inconsistent("max_scopes"))?,
            rate: rate.map_err(|_| StoreError::Inconsistent("requests_per_second"))?,
        },
        description: row.description,
        origin: PolicyOrigin::Created(Timestamp::from_unix_micros(row.created_at)),
    })
}
