//! AdminService: what operators do.

use std::sync::Arc;

use broker_core::{Broker, BrokerError, ClientRegistration};
use broker_proto::v1::admin_service_server::AdminService;
use broker_proto::v1::{
    self, AddClientSecretRequest, AddClientSecretResponse, CreateAccessPolicyRequest,
    CreateAccessPolicyResponse, CreateClientRegistrationRequest, CreateClientRegistrationResponse,
    CreateMachineCredentialRequest, CreateMachineCredentialResponse, CreateTenantRequest,
    CreateTenantResponse, CreateWebhookRequest, CreateWebhookResponse, DeleteAccessPolicyRequest,
    DeleteAccessPolicyResponse, DeleteClientRegistrationRequest, DeleteClientRegistrationResponse,
    DeleteMachineCredentialRequest, DeleteMachineCredentialResponse, DeleteTenantRequest,
    DeleteTenantResponse, DeleteWebhookRequest, DeleteWebhookResponse, ExplainAccessRequest,
    ExplainAccessResponse, GetClientRegistrationRequest, GetClientRegistrationResponse, GetGrantRequest,
    GetGrantResponse, GetKeyRotationRequest, GetKeyRotationResponse, GetMachineCredentialRequest,
    GetMachineCredentialResponse, GetSchedulerStatusRequest, GetSchedulerStatusResponse, GetTenantRequest,
    GetTenantResponse, GetWebhookRequest, GetWebhookResponse, ListAccessPoliciesRequest,
    ListAccessPoliciesResponse, ListAtRiskGrantsRequest, ListAtRiskGrantsResponse, ListAuditEventsRequest,
    ListAuditEventsResponse, ListClientRegistrationsRequest, ListClientRegistrationsResponse,
    ListGrantsRequest, ListGrantsResponse, ListKeyRotationsRequest, ListKeyRotationsResponse,
    ListKeysRequest, ListKeysResponse, ListMachineCredentialsRequest, ListMachineCredentialsResponse,
    ListProvidersRequest, ListProvidersResponse, ListTenantsRequest, ListTenantsResponse,
    ListWebhooksRequest, ListWebhooksResponse, PauseRefreshRequest, PauseRefreshResponse,
    RedeliverWebhookRequest, RedeliverWebhookResponse, RefreshGrantRequest, RefreshGrantResponse,
    ResumeRefreshRequest, ResumeRefreshResponse, RetireClientSecretRequest, RetireClientSecretResponse,
    RetireKeyRequest, RetireKeyResponse, RevokeGrantsRequest, RevokeGrantsResponse, RotateKeysRequest,
    RotateKeysResponse, RotateMachineCredentialRequest, RotateMachineCredentialResponse,
    RotateWebhookSecretRequest, RotateWebhookSecretResponse, TestClientRegistrationRequest,
    TestClientRegistrationResponse, UpdateClientRegistrationRequest, UpdateClientRegistrationResponse,
    UpdateTenantRequest, UpdateTenantResponse, UpdateWebhookRequest, UpdateWebhookResponse,
    VerifyAuditLogRequest, VerifyAuditLogResponse,
};
use tonic::{Request, Response, Status};

use super::access::Guard;
use super::access_policies::Policies;
use super::admin::{
    Adapters, at_risk, audit, grants, keys, machine_credentials, new_registration, providers, registrations,
    scheduler, secrets, tenants, webhooks,
};
use super::message;
use super::status::Statuses;
use crate::audit::Audit;
use crate::config::PublicUrl;

pub(super) struct AdminApi {
    pub(super) broker: Arc<Broker>,
    pub(super) guard: Guard,
    policies: Policies,
    pub(super) statuses: Statuses,
    public_url: Option<PublicUrl>,
    pub(super) adapters: Adapters,
    pub(super) audit: Audit,
}

impl AdminApi {
    pub(super) fn new(
        broker: Arc<Broker>,
        guard: Guard,
        policies: Policies,
        statuses: Statuses,
        public_url: Option<PublicUrl>,
        adapters: Adapters,
        audit: Audit,
    ) -> Self {
        Self { broker, guard, policies, statuses, public_url, adapters, audit }
    }

    /// Makes statuses of errors.
    pub(super) fn told(&self) -> impl Fn(BrokerError) -> Status {
        |error| self.statuses.of(&error)
    }

    /// A registration as it is shown: whether its callbacks come to the broker is a matter of configuration.
    pub(super) fn shown(&self, registration: &ClientRegistration) -> v1::ClientRegistration {
        let (provider, redirect_uri) = (registration.provider.as_str(), &registration.redirect_uri);
        let hosts = |url: &PublicUrl| url.hosts_callback(provider, redirect_uri);
        v1::ClientRegistration {
            broker_hosted: self.public_url.as_ref().is_some_and(hosts),
            ..message::registration(registration)
        }
    }
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        tenants::create(self, request).await.map(Response::new)
    }

    async fn create_client_registration(
        &self,
        request: Request<CreateClientRegistrationRequest>,
    ) -> Result<Response<CreateClientRegistrationResponse>, Status> {
        new_registration::create(self, request).await.map(Response::new)
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        grants::list(self, request).await.map(Response::new)
    }

    async fn get_grant(
        &self,
        request: Request<GetGrantRequest>,
    ) -> Result<Response<GetGrantResponse>, Status> {
        grants::get(self, request).await.map(Response::new)
    }

    async fn list_at_risk_grants(
        &self,
        request: Request<ListAtRiskGrantsRequest>,
    ) -> Result<Response<ListAtRiskGrantsResponse>, Status> {
        at_risk::list(self, request).await.map(Response::new)
    }

    async fn refresh_grant(
        &self,
        request: Request<RefreshGrantRequest>,
    ) -> Result<Response<RefreshGrantResponse>, Status> {
        grants::refresh(self, request).await.map(Response::new)
    }

    async fn create_access_policy(
        &self,
        request: Request<CreateAccessPolicyRequest>,
    ) -> Result<Response<CreateAccessPolicyResponse>, Status> {
        self.statuses.answer(self.policies.create(request).await)
    }

    async fn list_access_policies(
        &self,
        request: Request<ListAccessPoliciesRequest>,
    ) -> Result<Response<ListAccessPoliciesResponse>, Status> {
        self.statuses.answer(self.policies.list(request).await)
    }

    async fn delete_access_policy(
        &self,
        request: Request<DeleteAccessPolicyRequest>,
    ) -> Result<Response<DeleteAccessPolicyResponse>, Status> {
        self.statuses.answer(self.policies.delete(request).await)
    }

    async fn explain_access(
        &self,
        request: Request<ExplainAccessRequest>,
    ) -> Result<Response<ExplainAccessResponse>, Status> {
        self.statuses.answer(self.policies.explain(request))
    }

    async fn get_tenant(
        &self,
        request: Request<GetTenantRequest>,
    ) -> Result<Response<GetTenantResponse>, Status> {
        tenants::get(self, request).await.map(Response::new)
    }

    async fn list_tenants(
        &self,
        request: Request<ListTenantsRequest>,
    ) -> Result<Response<ListTenantsResponse>, Status> {
        tenants::list(self, request).await.map(Response::new)
    }

    async fn update_tenant(
        &self,
        request: Request<UpdateTenantRequest>,
    ) -> Result<Response<UpdateTenantResponse>, Status> {
        tenants::update(self, request).await.map(Response::new)
    }

    async fn get_client_registration(
        &self,
        request: Request<GetClientRegistrationRequest>,
    ) -> Result<Response<GetClientRegistrationResponse>, Status> {
        registrations::get(self, request).await.map(Response::new)
    }

    async fn list_client_registrations(
        &self,
        request: Request<ListClientRegistrationsRequest>,
    ) -> Result<Response<ListClientRegistrationsResponse>, Status> {
        registrations::list(self, request).await.map(Response::new)
    }

    async fn update_client_registration(
        &self,
        request: Request<UpdateClientRegistrationRequest>,
    ) -> Result<Response<UpdateClientRegistrationResponse>, Status> {
        registrations::update(self, request).await.map(Response::new)
    }

    async fn delete_client_registration(
        &self,
        request: Request<DeleteClientRegistrationRequest>,
    ) -> Result<Response<DeleteClientRegistrationResponse>, Status> {
        registrations::delete(self, request).await.map(Response::new)
    }

    async fn test_client_registration(
        &self,
        request: Request<TestClientRegistrationRequest>,
    ) -> Result<Response<TestClientRegistrationResponse>, Status> {
        registrations::test(self, request).await.map(Response::new)
    }

    async fn add_client_secret(
        &self,
        request: Request<AddClientSecretRequest>,
    ) -> Result<Response<AddClientSecretResponse>, Status> {
        secrets::add(self, request).await.map(Response::new)
    }

    async fn retire_client_secret(
        &self,
        request: Request<RetireClientSecretRequest>,
    ) -> Result<Response<RetireClientSecretResponse>, Status> {
        secrets::retire(self, request).await.map(Response::new)
    }

    async fn get_scheduler_status(
        &self,
        request: Request<GetSchedulerStatusRequest>,
    ) -> Result<Response<GetSchedulerStatusResponse>, Status> {
        scheduler::status(self, request).await.map(Response::new)
    }

    async fn pause_refresh(
        &self,
        request: Request<PauseRefreshRequest>,
    ) -> Result<Response<PauseRefreshResponse>, Status> {
        scheduler::pause(self, request).await.map(Response::new)
    }

    async fn resume_refresh(
        &self,
        request: Request<ResumeRefreshRequest>,
    ) -> Result<Response<ResumeRefreshResponse>, Status> {
        scheduler::resume(self, request).await.map(Response::new)
    }

    async fn list_providers(
        &self,
        request: Request<ListProvidersRequest>,
    ) -> Result<Response<ListProvidersResponse>, Status> {
        providers::list(self, request).await.map(Response::new)
    }

    async fn revoke_grants(
        &self,
        request: Request<RevokeGrantsRequest>,
    ) -> Result<Response<RevokeGrantsResponse>, Status> {
        self.revoke_matching(request).await
    }

    async fn delete_tenant(
        &self,
        request: Request<DeleteTenantRequest>,
    ) -> Result<Response<DeleteTenantResponse>, Status> {
        self.delete(request).await
    }

    async fn list_keys(
        &self,
        request: Request<ListKeysRequest>,
    ) -> Result<Response<ListKeysResponse>, Status> {
        keys::list(self, request).await.map(Response::new)
    }

    async fn rotate_keys(
        &self,
        request: Request<RotateKeysRequest>,
    ) -> Result<Response<RotateKeysResponse>, Status> {
        keys::rotate(self, request).await.map(Response::new)
    }

    async fn get_key_rotation(
        &self,
        request: Request<GetKeyRotationRequest>,
    ) -> Result<Response<GetKeyRotationResponse>, Status> {
        keys::get_rotation(self, request).await.map(Response::new)
    }

    async fn list_key_rotations(
        &self,
        request: Request<ListKeyRotationsRequest>,
    ) -> Result<Response<ListKeyRotationsResponse>, Status> {
        keys::list_rotations(self, request).await.map(Response::new)
    }

    async fn retire_key(
        &self,
        request: Request<RetireKeyRequest>,
    ) -> Result<Response<RetireKeyResponse>, Status> {
        keys::retire(self, request).await.map(Response::new)
    }

    async fn list_audit_events(
        &self,
        request: Request<ListAuditEventsRequest>,
    ) -> Result<Response<ListAuditEventsResponse>, Status> {
        audit::list(self, request).await.map(Response::new)
    }

    async fn verify_audit_log(
        &self,
        request: Request<VerifyAuditLogRequest>,
    ) -> Result<Response<VerifyAuditLogResponse>, Status> {
        audit::verify(self, request).await.map(Response::new)
    }

    async fn create_machine_credential(
        &self,
        request: Request<CreateMachineCredentialRequest>,
    ) -> Result<Response<CreateMachineCredentialResponse>, Status> {
        machine_credentials::create(self, request).await.map(Response::new)
    }

    async fn get_machine_credential(
        &self,
        request: Request<GetMachineCredentialRequest>,
    ) -> Result<Response<GetMachineCredentialResponse>, Status> {
        machine_credentials::get(self, request).await.map(Response::new)
    }

    async fn list_machine_credentials(
        &self,
        request: Request<ListMachineCredentialsRequest>,
    ) -> Result<Response<ListMachineCredentialsResponse>, Status> {
        machine_credentials::list(self, request).await.map(Response::new)
    }

    async fn rotate_machine_credential(
        &self,
        request: Request<RotateMachineCredentialRequest>,
    ) -> Result<Response<RotateMachineCredentialResponse>, Status> {
        machine_credentials::rotate(self, request).await.map(Response::new)
    }

    async fn delete_machine_credential(
        &self,
        request: Request<DeleteMachineCredentialRequest>,
    ) -> Result<Response<DeleteMachineCredentialResponse>, Status> {
        machine_credentials::delete(self, request).await.map(Response::new)
    }

    async fn create_webhook(
        &self,
        request: Request<CreateWebhookRequest>,
    ) -> Result<Response<CreateWebhookResponse>, Status> {
        webhooks::create(self, request).await.map(Response::new)
    }

    async fn get_webhook(
        &self,
        request: Request<GetWebhookRequest>,
    ) -> Result<Response<GetWebhookResponse>, Status> {
        webhooks::get(self, request).await.map(Response::new)
    }

    async fn list_webhooks(
        &self,
        request: Request<ListWebhooksRequest>,
    ) -> Result<Response<ListWebhooksResponse>, Status> {
        webhooks::list(self, request).await.map(Response::new)
    }

    async fn update_webhook(
        &self,
        request: Request<UpdateWebhookRequest>,
    ) -> Result<Response<UpdateWebhookResponse>, Status> {
        webhooks::update(self, request).await.map(Response::new)
    }

    async fn delete_webhook(
        &self,
        request: Request<DeleteWebhookRequest>,
    ) -> Result<Response<DeleteWebhookResponse>, Status> {
        webhooks::delete(self, request).await.map(Response::new)
    }

    async fn rotate_webhook_secret(
        &self,
        request: Request<RotateWebhookSecretRequest>,
    ) -> Result<Response<RotateWebhookSecretResponse>, Status> {
        webhooks::rotate_secret(self, request).await.map(Response::new)
    }

    async fn redeliver_webhook(
        &self,
        request: Request<RedeliverWebhookRequest>,
    ) -> Result<Response<RedeliverWebhookResponse>, Status> {
        webhooks::redeliver(self, request).await.map(Response::new)
    }
}
