//! What each RPC asks of the access policies, and the question that every handler asks before it looks anything up.

use std::sync::Arc;

use broker_core::{
    Access, AccessAction, Actor, Ask, Asked, AuditAction, AuditOutcome, AuditRecord, BrokerError, GrantKey,
    Permit, PolicySet, Principal, ProviderName, TenantId, Timestamp,
};
use broker_proto::v1::*;
use prost::Name;
use tonic::{Request, Status};

use super::audit::{Batch, Draft, Given, outcome};
use super::caller;

/// A request with the action its RPC is. Every RPC has a request message of its own, so the message names the RPC.
pub(super) trait Governed: Name {
    const ACTION: AccessAction;

    /// The service it is of.
    const SERVICE: &'static str;

    /// The RPC, for logs.
    fn rpc() -> &'static str {
        Self::NAME.strip_suffix("Request").unwrap_or(Self::NAME)
    }

    /// The RPC with its service and package, as the audit log names it.
    fn path() -> String {
        format!("{}.{}/{}", Self::PACKAGE, Self::SERVICE, Self::rpc())
    }
}

macro_rules! table {
    ($($action:ident, $service:ident: $($request:ident)*;)*) => {
        $($(impl Governed for $request {
            const ACTION: AccessAction = AccessAction::$action;
            const SERVICE: &'static str = stringify!($service);
        })*)*

        /// Every row, to be compared with the contract.
        #[cfg(test)]
        const TABLE: &[(&str, AccessAction, fn() -> String)] =
            &[$($((stringify!($request), AccessAction::$action, $request::path)),*),*];
    };
}

table! {
    Vend, TokenService:
        GetAccessTokenRequest BatchGetAccessTokensRequest WatchAccessTokensRequest ReportRejectedTokenRequest;
    Consent, ConsentService:
        StartAuthorizationRequest CompleteAuthorizationRequest StartDeviceAuthorizationRequest
        GetAuthorizationRequest ImportGrantRequest RevokeGrantRequest;
    Observe, AdminService:
        GetTenantRequest ListTenantsRequest GetClientRegistrationRequest ListClientRegistrationsRequest
        ListAccessPoliciesRequest ExplainAccessRequest ListGrantsRequest GetGrantRequest ListAtRiskGrantsRequest
        ListKeysRequest GetKeyRotationRequest ListKeyRotationsRequest GetSchedulerStatusRequest
        ListProvidersRequest ListAuditEventsRequest VerifyAuditLogRequest GetWebhookRequest ListWebhooksRequest
        GetMachineCredentialRequest ListMachineCredentialsRequest;
    Observe, EventService:
        WatchEventsRequest;
    Operate, AdminService:
        TestClientRegistrationRequest RefreshGrantRequest RevokeGrantsRequest PauseRefreshRequest
        ResumeRefreshRequest RedeliverWebhookRequest;
    Administer, AdminService:
        CreateTenantRequest UpdateTenantRequest DeleteTenantRequest CreateClientRegistrationRequest
        UpdateClientRegistrationRequest DeleteClientRegistrationRequest AddClientSecretRequest
        RetireClientSecretRequest CreateAccessPolicyRequest DeleteAccessPolicyRequest RotateKeysRequest
        RetireKeyRequest CreateWebhookRequest UpdateWebhookRequest DeleteWebhookRequest
        RotateWebhookSecretRequest CreateMachineCredentialRequest RotateMachineCredentialRequest
        DeleteMachineCredentialRequest;
}

/// Stands before every handler.
#[derive(Clone)]
pub(super) struct Guard {
    access: Arc<Access>,
}

/// One call: who, and which RPC.
pub(super) struct Call<'a> {
    access: &'a Arc<Access>,
    principal: Principal,
    actor: Actor,
    rpc: &'static str,
    action: AccessAction,
    draft: Draft,
}

impl Guard {
    pub(super) fn new(access: Arc<Access>) -> Self {
        Self { access }
    }

    /// Who calls which RPC. Nothing is allowed yet.
    pub(super) fn call<M: Governed>(&self, request: &Request<M>) -> Result<Call<'_>, BrokerError> {
        Ok(self.call_by(caller::principal(request)?, request))
    }

    /// The same of another than who sent the request.
    pub(super) fn call_by<M: Governed>(&self, principal: Principal, request: &Request<M>) -> Call<'_> {
        let draft = request.extensions().get::<Draft>().cloned().unwrap_or_else(|| Draft::of(&M::path()));
        let actor = Actor::caller(principal.clone(), AuditAction::named(M::path()));
        Call { access: &self.access, principal, actor, rpc: M::rpc(), action: M::ACTION, draft }
    }
}

impl Call<'_> {
    /// The caller.
    pub(super) fn principal(&self) -> &Principal {
        &self.principal
    }

    /// The caller and the RPC, for the audit log.
    pub(super) fn actor(&self) -> &Actor {
        &self.actor
    }

    /// Notes which token was given.
    pub(super) fn gave(&self, given: Given) {
        self.draft.gave(given);
    }

    /// Notes what became of a batch.
    pub(super) fn was_batch(&self, asked: usize, refused: usize) {
        self.draft.was_batch(Batch { asked, refused });
    }

    /// The record that it ended with that status, for a grant of several.
    pub(super) fn record(&self, key: Option<&GrantKey>, status: &Status, at: Timestamp) -> AuditRecord {
        let outcome = outcome(status).unwrap_or(AuditOutcome::Succeeded);
        let record = self.actor.did(key.map(|key| &key.tenant), at);
        let record = key.into_iter().fold(record, AuditRecord::about);
        AuditRecord { outcome, ..record }
    }

    /// Leave to do this about a tenant at a provider.
    pub(super) fn admit(
        &self,
        tenant: Asked<'_, TenantId>,
        provider: Asked<'_, ProviderName>,
    ) -> Result<Permit, BrokerError> {
        self.draft.about(one(tenant), one(provider));
        let Self { access, principal, rpc, action, .. } = self;
        access.admit(&Ask { rpc, principal, action: *action, tenant, provider, scopes: None })
    }

    /// Leave to do this about a grant.
    pub(super) fn admit_to(&self, key: &GrantKey) -> Result<Permit, BrokerError> {
        self.draft.about_grant(key);
        self.admit(Asked::One(&key.tenant), Asked::One(&key.provider))
    }

    /// Leave to be asked for later, about these grants or others. Nothing is allowed yet.
    pub(super) fn leave(&self) -> Leave {
        let Self { access, principal, rpc, action, .. } = self;
        Leave { access: Arc::clone(access), principal: principal.clone(), rpc, action: *action }
    }

    /// Notes what a stream is about.
    pub(super) fn is_about(&self, tenant: &TenantId, provider: &ProviderName) {
        self.draft.about(Some(tenant), Some(provider));
    }

    /// Leave to do this about a tenant, at one provider or at all of them.
    pub(super) fn admit_at(
        &self,
        tenant: &TenantId,
        provider: Option<&ProviderName>,
    ) -> Result<Permit, BrokerError> {
        self.admit(Asked::One(tenant), provider.map_or(Asked::All, Asked::One))
    }
}

/// Leave that is asked for anew while a stream lasts.
#[derive(Clone)]
pub(super) struct Leave {
    access: Arc<Access>,
    principal: Principal,
    rpc: &'static str,
    action: AccessAction,
}

impl Leave {
    /// Leave to do this about a grant, now.
    pub(super) fn admit_to(&self, key: &GrantKey) -> Result<Permit, BrokerError> {
        self.access.admit(&self.ask(&key.tenant, &key.provider))
    }

    /// Fails where no policy allows it; spends of no rate.
    pub(super) fn reaches(&self, tenant: &TenantId, provider: &ProviderName) -> Result<(), BrokerError> {
        self.access.still_allows(&self.ask(tenant, provider))
    }

    /// The same about a tenant, or every one, at all providers.
    pub(super) fn reaches_all_of(&self, tenant: Asked<'_, TenantId>) -> Result<(), BrokerError> {
        let Self { rpc, ref principal, action, .. } = *self;
        self.access.still_allows(&Ask { rpc, principal, action, tenant, provider: Asked::All, scopes: None })
    }

    /// The policies in force.
    pub(super) fn policies(&self) -> Arc<PolicySet> {
        self.access.policies()
    }

    /// Returns once other policies are in force than these.
    pub(super) async fn others_than(&self, seen: &Arc<PolicySet>) {
        self.access.others_than(seen).await;
    }

    fn ask<'a>(&'a self, tenant: &'a TenantId, provider: &'a ProviderName) -> Ask<'a> {
        let Self { rpc, ref principal, action, .. } = *self;
        Ask {
            rpc,
            principal,
            action,
            tenant: Asked::One(tenant),
            provider: Asked::One(provider),
            scopes: None,
        }
    }
}

fn one<'a, T>(asked: Asked<'a, T>) -> Option<&'a T> {
    match asked {
        Asked::One(one) => Some(one),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use broker_proto::FILE_DESCRIPTOR_SET;
    use prost::Message as _;
    use prost_types::FileDescriptorSet;

    use super::*;

    /// Service and request message of every RPC of the contract.
    fn rpcs() -> Vec<(String, String)> {
        let contract = FileDescriptorSet::decode(FILE_DESCRIPTOR_SET).unwrap();
        let ours = contract.file.into_iter().filter(|file| file.package() == "tokenbroker.v1");
        let mut rpcs = Vec::new();
        for service in ours.flat_map(|file| file.service) {
            for method in &service.method {
                assert_eq!(method.input_type(), format!(".tokenbroker.v1.{}Request", method.name()));
                rpcs.push((service.name().to_owned(), format!("{}Request", method.name())));
            }
        }
        rpcs
    }

    #[test]
    fn every_rpc_of_the_contract_has_one_action_and_nothing_else_has() {
        let mut contract: Vec<_> = rpcs().into_iter().map(|(_, request)| request).collect();
        let mut governed: Vec<_> = TABLE.iter().map(|(request, ..)| (*request).to_owned()).collect();
        contract.sort();
        governed.sort();
        assert!(contract.len() > 40);
        assert_eq!(governed, contract);
    }

    /// The comments of `AccessAction` in the contract.
    #[test]
    fn actions_follow_the_services_and_the_names_of_their_rpcs() {
        let actions: BTreeMap<&str, AccessAction> =
            TABLE.iter().map(|(request, action, _)| (*request, *action)).collect();
        for (service, request) in rpcs() {
            let action = actions[request.as_str()];
            let reads =
                ["Get", "List", "Verify", "Explain", "Watch"].iter().any(|verb| request.starts_with(verb));
            match service.as_str() {
                "TokenService" => assert_eq!(action, AccessAction::Vend, "{request}"),
                "ConsentService" => assert_eq!(action, AccessAction::Consent, "{request}"),
                _ => assert_eq!(action == AccessAction::Observe, reads, "{request}"),
            }
        }
    }

    #[test]
    fn an_rpc_is_recorded_by_its_path() {
        let names: BTreeMap<&str, String> =
            TABLE.iter().map(|(request, _, name)| (*request, name())).collect();
        for (service, request) in rpcs() {
            let rpc = request.strip_suffix("Request").unwrap();
            assert_eq!(names[request.as_str()], format!("tokenbroker.v1.{service}/{rpc}"));
        }
    }

    #[test]
    fn a_request_names_its_rpc() {
        assert_eq!(GetAccessTokenRequest::rpc(), "GetAccessToken");
        assert_eq!(GetAccessTokenRequest::ACTION, AccessAction::Vend);
    }
}
