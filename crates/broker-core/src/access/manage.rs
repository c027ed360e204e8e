//! What operators do with policies: create, list, delete, explain.

use super::control::Access;
use super::permit::Permit;
use super::{AccessPolicy, AccessRule, Ask, PolicyOrigin, Reach};
use crate::administer::id_reused;
use crate::ports::{CreateOutcome, RequestMark};
use crate::{Actor, AuditRecord, BrokerError, PolicyId, RequestId, TenantId, Timestamp};

const POLICY: &str = "access policy";

/// A policy to create.
#[derive(Debug)]
pub struct NewAccessPolicy {
    /// What it is to allow.
    pub rule: AccessRule,
    /// Why it exists, for people.
    pub description: String,
    /// So that the request may be repeated.
    pub request: Option<RequestId>,
}

/// Which policies to list.
#[derive(Debug, Clone)]
pub struct PolicyFilter {
    /// Only those that touch this tenant.
    pub tenant: Reach<TenantId>,
    /// Only those for callers of this name, or written so.
    pub principal: Option<String>,
    /// Only those after this one.
    pub after: Option<PolicyId>,
    /// At most so many.
    pub limit: usize,
}

impl Access {
    /// Creates a policy. `permit` is leave to administer all that it allows: nobody grants more.
    pub async fn create_policy(
        &self,
        new: NewAccessPolicy,
        permit: &Permit,
        by: &Actor,
    ) -> Result<AccessPolicy, BrokerError> {
        permit.extends_to_rule(&new.rule)?;
        if self.rules().configured.iter().any(|policy| policy.rule == new.rule) {
            return Err(BrokerError::AlreadyExists(POLICY));
        }
        let now = self.clock.now();
        let request = new.mark(now);
        let policy = AccessPolicy {
            id: PolicyId::generate(now, self.entropy.as_ref()),
            rule: new.rule,
            description: new.description,
            origin: PolicyOrigin::Created(now),
        };
        let record = self.policy_record(&policy, by);
        match self.store.create_policy(&policy, request.as_ref(), &record).await? {
            CreateOutcome::Created => {
                self.look().await;
                Ok(policy)
            }
            CreateOutcome::Repeated(id) => self.policy_named(&id).await,
            CreateOutcome::Taken => Err(BrokerError::AlreadyExists(POLICY)),
            CreateOutcome::IdReused => Err(id_reused()),
            CreateOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
        }
    }

    /// What an earlier request has made; absent if it was deleted since.
    async fn policy_named(&self, id: &str) -> Result<AccessPolicy, BrokerError> {
        self.read_policies().await?;
        let made = PolicyId::parse(id).and_then(|id| self.policies().policy(id).cloned());
        made.ok_or(BrokerError::ResourceNotFound(POLICY))
    }

    /// A page of the policies in force, ordered by id.
    pub async fn list_policies(&self, filter: &PolicyFilter) -> Result<Vec<AccessPolicy>, BrokerError> {
        self.read_policies().await?;
        let policies = self.policies();
        let listed = policies.policies().filter(|policy| filter.lists(policy));
        Ok(listed.take(filter.limit).cloned().collect())
    }

    /// Deletes a policy. `permit` is leave to administer something: what it does not extend to looks absent.
    pub async fn delete_policy(
        &self,
        id: PolicyId,
        permit: &Permit,
        by: &Actor,
    ) -> Result<AccessPolicy, BrokerError> {
        let absent = || BrokerError::ResourceNotFound(POLICY);
        self.read_policies().await?;
        let policy = self.policies().policy(id).cloned().ok_or_else(absent)?;
        permit.extends_to_rule(&policy.rule).map_err(|error| error.unless_denied(absent()))?;
        if policy.origin == PolicyOrigin::Configured {
            return Err(BrokerError::ResourceInUse(
                "the access policy stands in the configuration: take it out of [[access.policy]] and restart",
            ));
        }
        if !self.store.delete_policy(id, &self.policy_record(&policy, by)).await? {
            return Err(absent());
        }
        self.look().await;
        Ok(policy)
    }

    /// Says what the policy allows, scopes and rate aside: those may be long, and only narrow it.
    fn policy_record(&self, policy: &AccessPolicy, by: &Actor) -> AuditRecord {
        let AccessRule { principal, actions, tenant, provider, .. } = &policy.rule;
        let record = by.did(tenant.one(), self.clock.now()).resource(format!(
            "policies/{} {principal} may {actions} for tenant {tenant} at provider {provider}",
            policy.id
        ));
        AuditRecord { provider: provider.one().cloned(), ..record }
    }

    /// The policy by which this replica allows something now, rates aside; `None`: none does.
    pub fn explain(&self, ask: &Ask<'_>) -> Option<AccessPolicy> {
        self.policies().decide(ask).cloned()
    }
}

impl NewAccessPolicy {
    fn mark(&self, at: Timestamp) -> Option<RequestMark> {
        let rule = self.rule.parts();
        let mut parts: Vec<&str> = rule.iter().map(String::as_str).collect();
        parts.push(&self.description);
        self.request.map(|id| RequestMark::new(id, "CreateAccessPolicy", &parts, at))
    }
}

impl PolicyFilter {
    fn lists(&self, policy: &AccessPolicy) -> bool {
        let rule = &policy.rule;
        let touches = match (&self.tenant, &rule.tenant) {
            (Reach::One(tenant), Reach::One(own)) => tenant == own,
            _ => true,
        };
        touches
            && self.after.is_none_or(|after| policy.id > after)
            && self.principal.as_ref().is_none_or(|name| rule.principal.matches(name))
    }
}
