//! What callers of the broker do, over gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use broker_proto::error::BrokerError;
use broker_proto::v1;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::token_service_client::TokenServiceClient;
use tonic::transport::{Channel, Endpoint};
use tonic::{Response, Status};

use crate::Provider;

/// An answer, or the error that the broker's details tell of.
pub type Answer<T> = Result<T, Box<BrokerError>>;

/// A client of every service. Clones share a connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        Self { channel: endpoint.connect_timeout(Duration::from_secs(5)).connect().await.unwrap() }
    }

    /// The connection.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// TokenService.
    pub fn tokens(&self) -> TokenServiceClient<Channel> {
        TokenServiceClient::new(self.channel())
    }

    /// ConsentService.
    pub fn consents(&self) -> ConsentServiceClient<Channel> {
        ConsentServiceClient::new(self.channel())
    }

    /// AdminService.
    pub fn admin(&self) -> AdminServiceClient<Channel> {
        AdminServiceClient::new(self.channel())
    }

    /// CreateTenant.
    pub async fn create_tenant(&self, tenant: &str) -> Answer<v1::CreateTenantResponse> {
        let request = v1::CreateTenantRequest { tenant_id: tenant.to_owned(), ..Default::default() };
        read(self.admin().create_tenant(request).await)
    }

    /// CreateClientRegistration.
    pub async fn register(
        &self,
        request: v1::CreateClientRegistrationRequest,
    ) -> Answer<v1::CreateClientRegistrationResponse> {
        read(self.admin().create_client_registration(request).await)
    }

    /// StartAuthorization with nothing but the key.
    pub async fn start(&self, key: &v1::GrantKey) -> Answer<v1::StartAuthorizationResponse> {
        let request = v1::StartAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            provider: key.provider.clone(),
            user_id: key.user_id.clone(),
            account: key.account.clone(),
            ..Default::default()
        };
        read(self.consents().start_authorization(request).await)
    }

    /// CompleteAuthorization by the tenant and user of the key.
    pub async fn complete(&self, key: &v1::GrantKey, callback_url: &str) -> Answer<v1::Grant> {
        let request = v1::CompleteAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            user_id: key.user_id.clone(),
            callback: Some(Callback::CallbackUrl(callback_url.to_owned())),
        };
        read(self.consents().complete_authorization(request).await).map(|answer| answer.grant.unwrap())
    }

    /// GetAuthorization.
    pub async fn authorization(&self, tenant: &str, id: &str) -> Answer<v1::GetAuthorizationResponse> {
        let request =
            v1::GetAuthorizationRequest { tenant_id: tenant.to_owned(), authorization_id: id.to_owned() };
        read(self.consents().get_authorization(request).await)
    }

    /// GetAccessToken.
    pub async fn token(&self, request: v1::GetAccessTokenRequest) -> Answer<v1::GetAccessTokenResponse> {
        read(self.tokens().get_access_token(request).await)
    }

    /// RefreshGrant.
    pub async fn refresh(&self, key: &v1::GrantKey) -> Answer<v1::Grant> {
        let request = v1::RefreshGrantRequest { key: Some(key.clone()) };
        read(self.admin().refresh_grant(request).await).map(|answer| answer.grant.unwrap())
    }

    /// GetGrant.
    pub async fn grant(&self, key: &v1::GrantKey) -> Answer<v1::Grant> {
        let request = v1::GetGrantRequest { key: Some(key.clone()) };
        read(self.admin().get_grant(request).await).map(|answer| answer.grant.unwrap())
    }
}

/// A request for a token of this grant with the default demands.
pub fn ask(key: &v1::GrantKey) -> v1::GetAccessTokenRequest {
    v1::GetAccessTokenRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        account: key.account.clone(),
        purpose: "test".to_owned(),
        ..Default::default()
    }
}

/// The registration of a tenant at a simulated provider.
pub fn registration(tenant: &str, provider: Provider) -> v1::CreateClientRegistrationRequest {
    v1::CreateClientRegistrationRequest {
        tenant_id: tenant.to_owned(),
        provider: provider.name().to_owned(),
        registration_id: "main".to_owned(),
        client_id: provider.client_id().to_owned(),
        client_secret: provider.client_secret().to_owned(),
        redirect_uri: provider.redirect_uri().to_owned(),
        scopes: provider.scopes().iter().map(ToString::to_string).collect(),
        ..Default::default()
    }
}

/// The error that a status tells of.
pub fn read<T>(answer: Result<Response<T>, Status>) -> Answer<T> {
    answer.map(Response::into_inner).map_err(|status| Box::new(BrokerError::from_status(&status)))
}
