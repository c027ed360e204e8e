//! AdminService: what operators do.

use std::sync::Arc;

use broker_core::ports::GrantFilter;
use broker_core::{
    Broker, BrokerError, ConsentCause, Lifecycle, NewRegistration, ProviderName, RegistrationId, RequestId,
    UserId,
};
use broker_crypto::ClientSecret;
use broker_proto::v1::admin_service_server::AdminService;
use broker_proto::v1::{
    AddClientSecretRequest, AddClientSecretResponse, CreateAccessPolicyRequest, CreateAccessPolicyResponse,
    CreateClientRegistrationRequest, CreateClientRegistrationResponse, CreateTenantRequest,
    CreateTenantResponse, DeleteAccessPolicyRequest, DeleteAccessPolicyResponse,
    DeleteClientRegistrationRequest, DeleteClientRegistrationResponse, DeleteTenantRequest,
    DeleteTenantResponse, ExplainAccessRequest, ExplainAccessResponse, GetClientRegistrationRequest,
    GetClientRegistrationResponse, GetGrantRequest, GetGrantResponse, GetKeyRotationRequest,
    GetKeyRotationResponse, GetSchedulerStatusRequest, GetSchedulerStatusResponse, GetTenantRequest,
    GetTenantResponse, GrantState, ListAccessPoliciesRequest, ListAccessPoliciesResponse,
    ListClientRegistrationsRequest, ListClientRegistrationsResponse, ListGrantsRequest, ListGrantsResponse,
    ListKeyRotationsRequest, ListKeyRotationsResponse, ListKeysRequest, ListKeysResponse,
    ListProvidersRequest, ListProvidersResponse, ListTenantsRequest, ListTenantsResponse,
    PauseRefreshRequest, PauseRefreshResponse, RefreshGrantRequest, RefreshGrantResponse,
    ResumeRefreshRequest, ResumeRefreshResponse, RetireClientSecretRequest, RetireClientSecretResponse,
    RetireKeyRequest, RetireKeyResponse, RevokeGrantsRequest, RevokeGrantsResponse, RotateKeysRequest,
    RotateKeysResponse, TestClientRegistrationRequest, TestClientRegistrationResponse,
    UpdateClientRegistrationRequest, UpdateClientRegistrationResponse, UpdateTenantRequest,
    UpdateTenantResponse,
};
use tonic::{Request, Response, Status};

use super::access::Guard;
use super::access_policies::Policies;
use super::admin::{Adapters, Page, keys, providers, registrations, scheduler, secrets, tenants};
use super::request::{Fields, grant_key};
use super::status::Statuses;
use super::{deadline, message, page_token};
use crate::config::PublicUrl;

pub(super) struct AdminApi {
    pub(super) broker: Arc<Broker>,
    pub(super) guard: Guard,
    policies: Policies,
    pub(super) statuses: Statuses,
    public_url: Option<PublicUrl>,
    pub(super) adapters: Adapters,
}

impl AdminApi {
    pub(super) fn new(
        broker: Arc<Broker>,
        guard: Guard,
        policies: Policies,
        statuses: Statuses,
        public_url: Option<PublicUrl>,
        adapters: Adapters,
    ) -> Self {
        Self { broker, guard, policies, statuses, public_url, adapters }
    }

    /// Makes statuses of errors.
    pub(super) fn told(&self) -> impl Fn(BrokerError) -> Status {
        |error| self.statuses.of(&error)
    }

    /// Refuses what a registration cannot say yet, rather than ignore it.
    pub(super) fn offers(&self, device_authorization: bool, grant_window: bool) -> Result<(), Status> {
        if device_authorization || grant_window {
            return Err(Status::unimplemented(
                "device authorization and grant windows per registration are not built yet; leave \
                 `allow_device_authorization` and `grant_window` out",
            ));
        }
        Ok(())
    }

    /// Refuses a redirect URI on the broker's own callback page.
    pub(super) fn offers_redirect(&self, provider: &str, redirect_uri: &str) -> Result<(), Status> {
        if self.public_url.as_ref().is_some_and(|url| url.hosts_callback(provider, redirect_uri)) {
            return Err(Status::unimplemented(
                "the broker hosts no callback page yet, which this `redirect_uri` would be on; give one of the product",
            ));
        }
        Ok(())
    }
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.tenant(&message.tenant_id);
        fields.at_most("display_name", &message.display_name, 256);
        let request = fields.request_id(&message.request_id);
        let id = fields.finish(id).map_err(|error| self.statuses.of(&error))?;
        call.admit_at(&id, None).map_err(|error| self.statuses.of(&error))?;
        let tenant = self
            .broker
            .create_tenant(id, message.display_name, request, call.actor())
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(principal = %call.principal(), tenant = %tenant.id, "tenant created");
        Ok(Response::new(CreateTenantResponse { tenant: Some(message::tenant(&tenant)) }))
    }

    async fn create_client_registration(
        &self,
        request: Request<CreateClientRegistrationRequest>,
    ) -> Result<Response<CreateClientRegistrationResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        self.offers(message.allow_device_authorization, message.grant_window.is_some())?;
        self.offers_redirect(&message.provider, &message.redirect_uri)?;
        let (new, request) = read_registration(message).map_err(|error| self.statuses.of(&error))?;
        call.admit_at(&new.tenant, Some(&new.provider)).map_err(|error| self.statuses.of(&error))?;
        let registration = self
            .broker
            .create_registration(new, request, call.actor())
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %registration.tenant, provider = %registration.provider,
            registration = %registration.id, "client registration created"
        );
        let client_registration = Some(message::registration(&registration));
        Ok(Response::new(CreateClientRegistrationResponse { client_registration }))
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        let (filter, page) = read_filter(&message).map_err(|error| self.statuses.of(&error))?;
        let permit = call.admit_at(&filter.tenant, filter.provider.as_ref());
        permit.map_err(|error| self.statuses.of(&error))?;
        let mut grants = self.broker.list_grants(&filter).await.map_err(|error| self.statuses.of(&error))?;
        let next_page_token = page.cut(&mut grants, |last| page_token::write(&last.key));
        Ok(Response::new(ListGrantsResponse {
            next_page_token,
            grants: grants.iter().map(message::grant).collect(),
        }))
    }

    async fn get_grant(
        &self,
        request: Request<GetGrantRequest>,
    ) -> Result<Response<GetGrantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let key = grant_key(request.into_inner().key).map_err(|error| self.statuses.of(&error))?;
        call.admit_to(&key).map_err(|error| self.statuses.of(&error))?;
        let grant = self.broker.grant(&key).await.map_err(|error| self.statuses.of(&error))?;
        Ok(Response::new(GetGrantResponse { grant: Some(message::grant(&grant)) }))
    }

    async fn refresh_grant(
        &self,
        request: Request<RefreshGrantRequest>,
    ) -> Result<Response<RefreshGrantResponse>, Status> {
        let call = self.guard.call(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let key = grant_key(request.into_inner().key).map_err(|error| self.statuses.of(&error))?;
        call.admit_to(&key).map_err(|error| self.statuses.of(&error))?;
        let grant = self.broker.refresh_grant(&key, wait).await.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            principal = %call.principal(), tenant = %key.tenant, provider = %key.provider, grant = %grant.id,
            generation = grant.generation.get(), "grant refreshed"
        );
        Ok(Response::new(RefreshGrantResponse { grant: Some(message::grant(&grant)) }))
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
}

fn read_registration(
    message: CreateClientRegistrationRequest,
) -> Result<(NewRegistration, Option<RequestId>), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.provider(&message.provider);
    let id = fields.name("registration_id", &message.registration_id, RegistrationId::new);
    match (message.public, message.client_secret.is_empty()) {
        (true, false) => fields.violation("client_secret", "must be empty for a public client"),
        (false, true) => fields.violation("client_secret", "must be set, unless `public` is"),
        _ => {}
    }
    let client_secret = (!message.public).then(|| ClientSecret::new(message.client_secret));
    fields.scopes("scopes", &message.scopes);
    let request = fields.request_id(&message.request_id);
    let names = tenant.zip(provider).zip(id);
    let new = names.map(|((tenant, provider), id)| NewRegistration {
        tenant,
        provider,
        id,
        client_id: message.client_id,
        client_secret,
        redirect_uri: message.redirect_uri,
        scopes: message.scopes,
        return_to: message.return_to.into_iter().collect(),
    });
    fields.finish(new.map(|new| (new, request)))
}

fn read_filter(message: &ListGrantsRequest) -> Result<(GrantFilter, Page), BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &message.user_id, UserId::new);
    let registration = fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
    let page = Page::read(&mut fields, message.page_size);
    let limit = page.to_read();
    if message.states().any(|state| state == GrantState::Unspecified) {
        fields.violation("states", "must name states of the contract");
    }
    let mut lifecycles: Vec<_> = message.states().filter_map(lifecycle).collect();
    if lifecycles.is_empty() {
        lifecycles = all_but_revoked();
    }
    let after = page_token::read(&message.page_token)?;
    let filter =
        tenant.map(|tenant| GrantFilter { tenant, provider, user, registration, lifecycles, after, limit });
    fields.finish(filter.map(|filter| (filter, page)))
}

fn all_but_revoked() -> Vec<Lifecycle> {
    let states =
        [GrantState::Active, GrantState::NeedsConsent, GrantState::ConsentExpired, GrantState::Revoking];
    states.into_iter().filter_map(lifecycle).collect()
}

/// The lifecycle a filter names; the cause of NEEDS_CONSENT is not compared.
pub(super) fn lifecycle(state: GrantState) -> Option<Lifecycle> {
    match state {
        GrantState::Active => Some(Lifecycle::Active),
        GrantState::NeedsConsent => Some(Lifecycle::NeedsConsent(ConsentCause::Revoked)),
        GrantState::ConsentExpired => Some(Lifecycle::ConsentExpired),
        GrantState::Revoking => Some(Lifecycle::Revoking),
        GrantState::Revoked => Some(Lifecycle::Revoked),
        GrantState::Unspecified => None,
    }
}
