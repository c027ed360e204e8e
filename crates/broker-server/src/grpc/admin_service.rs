//! AdminService: what operators do.

use std::sync::Arc;

use broker_core::ports::GrantFilter;
use broker_core::{
    Broker, BrokerError, ConsentCause, Lifecycle, NewRegistration, ProviderName, RegistrationId, UserId,
};
use broker_crypto::ClientSecret;
use broker_proto::v1::admin_service_server::AdminService;
use broker_proto::v1::{
    CreateClientRegistrationRequest, CreateClientRegistrationResponse, CreateTenantRequest,
    CreateTenantResponse, DeleteTenantRequest, DeleteTenantResponse, GetGrantRequest, GetGrantResponse,
    GrantState, ListGrantsRequest, ListGrantsResponse, RefreshGrantRequest, RefreshGrantResponse,
    RevokeGrantsRequest, RevokeGrantsResponse,
};
use tonic::{Request, Response, Status};

use super::request::{Fields, grant_key};
use super::status::Statuses;
use super::{caller, deadline, message, page_token};
use crate::config::PublicUrl;

const DEFAULT_PAGE: u32 = 50;
const LONGEST_PAGE: u32 = 1000;

pub(super) struct AdminApi {
    pub(super) broker: Arc<Broker>,
    pub(super) statuses: Statuses,
    public_url: Option<PublicUrl>,
}

impl AdminApi {
    pub(super) fn new(broker: Arc<Broker>, statuses: Statuses, public_url: Option<PublicUrl>) -> Self {
        Self { broker, statuses, public_url }
    }
}

#[tonic::async_trait]
impl AdminService for AdminApi {
    async fn create_tenant(
        &self,
        request: Request<CreateTenantRequest>,
    ) -> Result<Response<CreateTenantResponse>, Status> {
        let principal = caller::principal(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        let mut fields = Fields::default();
        let id = fields.tenant(&message.tenant_id);
        fields.at_most("display_name", &message.display_name, 256);
        let id = fields.finish(id).map_err(|error| self.statuses.of(&error))?;
        let tenant = self
            .broker
            .create_tenant(id, message.display_name)
            .await
            .map_err(|error| self.statuses.of(&error))?;
        tracing::info!(%principal, tenant = %tenant.id, "tenant created");
        Ok(Response::new(CreateTenantResponse { tenant: Some(message::tenant(&tenant)) }))
    }

    async fn create_client_registration(
        &self,
        request: Request<CreateClientRegistrationRequest>,
    ) -> Result<Response<CreateClientRegistrationResponse>, Status> {
        let principal = caller::principal(&request).map_err(|error| self.statuses.of(&error))?;
        let message = request.into_inner();
        if message.allow_device_authorization || message.grant_window.is_some() {
            return Err(Status::unimplemented(
                "device authorization and grant windows per registration are not built yet; leave \
                 `allow_device_authorization` and `grant_window` out",
            ));
        }
        if self
            .public_url
            .as_ref()
            .is_some_and(|url| url.hosts_callback(&message.provider, &message.redirect_uri))
        {
            return Err(Status::unimplemented(
                "the broker hosts no callback page yet, which this `redirect_uri` would be on; give one of the product",
            ));
        }
        let new = read_registration(message).map_err(|error| self.statuses.of(&error))?;
        let registration =
            self.broker.create_registration(new).await.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            %principal, tenant = %registration.tenant, provider = %registration.provider,
            registration = %registration.id, "client registration created"
        );
        let client_registration = Some(message::registration(&registration));
        Ok(Response::new(CreateClientRegistrationResponse { client_registration }))
    }

    async fn list_grants(
        &self,
        request: Request<ListGrantsRequest>,
    ) -> Result<Response<ListGrantsResponse>, Status> {
        let message = request.into_inner();
        let filter = read_filter(&message).map_err(|error| self.statuses.of(&error))?;
        let page_size = filter.limit as usize;
        // One more than asked for tells whether there is another page.
        let filter = GrantFilter { limit: filter.limit + 1, ..filter };
        let mut grants = self.broker.list_grants(&filter).await.map_err(|error| self.statuses.of(&error))?;
        let more = grants.len() > page_size;
        grants.truncate(page_size);
        let last = grants.last().filter(|_| more);
        Ok(Response::new(ListGrantsResponse {
            next_page_token: last.map(|grant| page_token::write(&grant.key)).unwrap_or_default(),
            grants: grants.iter().map(message::grant).collect(),
        }))
    }

    async fn get_grant(
        &self,
        request: Request<GetGrantRequest>,
    ) -> Result<Response<GetGrantResponse>, Status> {
        let key = grant_key(request.into_inner().key).map_err(|error| self.statuses.of(&error))?;
        let grant = self.broker.grant(&key).await.map_err(|error| self.statuses.of(&error))?;
        Ok(Response::new(GetGrantResponse { grant: Some(message::grant(&grant)) }))
    }

    async fn refresh_grant(
        &self,
        request: Request<RefreshGrantRequest>,
    ) -> Result<Response<RefreshGrantResponse>, Status> {
        let principal = caller::principal(&request).map_err(|error| self.statuses.of(&error))?;
        let wait = deadline::wait(request.metadata());
        let key = grant_key(request.into_inner().key).map_err(|error| self.statuses.of(&error))?;
        let grant = self.broker.refresh_grant(&key, wait).await.map_err(|error| self.statuses.of(&error))?;
        tracing::info!(
            %principal, tenant = %key.tenant, provider = %key.provider, grant = %grant.id,
            generation = grant.generation.get(), "grant refreshed"
        );
        Ok(Response::new(RefreshGrantResponse { grant: Some(message::grant(&grant)) }))
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
}

fn read_registration(message: CreateClientRegistrationRequest) -> Result<NewRegistration, BrokerError> {
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
    fields.finish(new)
}

fn read_filter(message: &ListGrantsRequest) -> Result<GrantFilter, BrokerError> {
    let mut fields = Fields::default();
    let tenant = fields.tenant(&message.tenant_id);
    let provider = fields.optional_name("provider", &message.provider, ProviderName::new);
    let user = fields.optional_name("user_id", &message.user_id, UserId::new);
    let registration = fields.optional_name("registration_id", &message.registration_id, RegistrationId::new);
    let limit = match u32::try_from(message.page_size) {
        Ok(0) => DEFAULT_PAGE,
        Ok(size) => size.min(LONGEST_PAGE),
        Err(_) => {
            fields.violation("page_size", "must not be negative");
            DEFAULT_PAGE
        }
    };
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
    fields.finish(filter)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_the_size_of_the_contract() {
        for (asked, size) in [(0, 50), (1, 1), (1000, 1000), (1001, 1000)] {
            let request =
                ListGrantsRequest { tenant_id: "acme".into(), page_size: asked, ..Default::default() };
            assert_eq!(read_filter(&request).unwrap().limit, size);
        }
        let negative = ListGrantsRequest { tenant_id: "acme".into(), page_size: -1, ..Default::default() };
        assert!(read_filter(&negative).is_err());
    }
}
