//! The RPCs of AdminService about access policies.

use std::sync::Arc;

use broker_core::{Access, Ask, Asked, Broker, BrokerError, PolicyFilter, PolicyId, Reach};
use broker_proto::v1::{
    CreateAccessPolicyRequest, CreateAccessPolicyResponse, DeleteAccessPolicyRequest,
    DeleteAccessPolicyResponse, ExplainAccessRequest, ExplainAccessResponse, ListAccessPoliciesRequest,
    ListAccessPoliciesResponse,
};
use tonic::Request;

use super::access::Guard;
use super::policy_message;

pub(super) struct Policies {
    pub(super) access: Arc<Access>,
    pub(super) broker: Arc<Broker>,
    pub(super) guard: Guard,
}

impl Policies {
    pub(super) async fn create(
        &self,
        request: Request<CreateAccessPolicyRequest>,
    ) -> Result<CreateAccessPolicyResponse, BrokerError> {
        let call = self.guard.call(&request)?;
        let new = policy_message::new_policy(request.into_inner())?;
        let permit = call.admit(new.rule.tenant.asked(), new.rule.provider.asked())?;
        if let Reach::One(provider) = &new.rule.provider {
            self.broker.check_provider(provider)?;
        }
        let policy = self.access.create_policy(new, &permit, call.actor()).await?;
        tracing::info!(
            principal = %call.principal(), policy = %policy.id, granted_to = %policy.rule.principal,
            actions = %policy.rule.actions, tenant = %policy.rule.tenant, provider = %policy.rule.provider,
            "access policy created"
        );
        Ok(CreateAccessPolicyResponse { access_policy: Some(policy_message::policy(&policy)) })
    }

    pub(super) async fn list(
        &self,
        request: Request<ListAccessPoliciesRequest>,
    ) -> Result<ListAccessPoliciesResponse, BrokerError> {
        let call = self.guard.call(&request)?;
        let filter = policy_message::filter(request.get_ref())?;
        call.admit(filter.tenant.asked(), Asked::All)?;
        // One more than asked for tells whether there is another page.
        let one_more = PolicyFilter { limit: filter.limit + 1, ..filter.clone() };
        let mut policies = self.access.list_policies(&one_more).await?;
        let more = policies.len() > filter.limit;
        policies.truncate(filter.limit);
        let last = policies.last().filter(|_| more);
        Ok(ListAccessPoliciesResponse {
            next_page_token: last.map(|policy| policy.id.to_string()).unwrap_or_default(),
            access_policies: policies.iter().map(policy_message::policy).collect(),
        })
    }

    pub(super) async fn delete(
        &self,
        request: Request<DeleteAccessPolicyRequest>,
    ) -> Result<DeleteAccessPolicyResponse, BrokerError> {
        let call = self.guard.call(&request)?;
        let permit = call.admit(Asked::Unknown, Asked::Unknown)?;
        // What is no id of ours names nothing of ours.
        let id = PolicyId::parse(&request.get_ref().policy_id)
            .ok_or(BrokerError::ResourceNotFound("access policy"))?;
        let policy = self.access.delete_policy(id, &permit, call.actor()).await?;
        tracing::info!(
            principal = %call.principal(), policy = %policy.id, granted_to = %policy.rule.principal,
            actions = %policy.rule.actions, tenant = %policy.rule.tenant, provider = %policy.rule.provider,
            "access policy deleted"
        );
        Ok(DeleteAccessPolicyResponse {})
    }

    pub(super) fn explain(
        &self,
        request: Request<ExplainAccessRequest>,
    ) -> Result<ExplainAccessResponse, BrokerError> {
        let call = self.guard.call(&request)?;
        let question = policy_message::question(request.into_inner())?;
        let (tenant, provider) = (question.tenant.asked(), question.provider.asked());
        call.admit(tenant, provider)?;
        let policy = self.access.explain(&Ask {
            rpc: "ExplainAccess",
            principal: &question.principal,
            action: question.action,
            tenant,
            provider,
            scopes: question.scopes.as_deref(),
        });
        let policy = policy.as_ref().map(policy_message::policy);
        Ok(ExplainAccessResponse { allowed: policy.is_some(), policy })
    }
}
