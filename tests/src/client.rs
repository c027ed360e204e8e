//! What callers of the broker do, over gRPC.

use std::net::SocketAddr;
use std::time::Duration;

use broker_proto::error::BrokerError;
use broker_proto::v1;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::event_service_client::EventServiceClient;
use broker_proto::v1::token_service_client::TokenServiceClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Response, Status};

use crate::Provider;

/// An answer, or the error that the broker's details tell of.
pub type Answer<T> = Result<T, Box<BrokerError>>;

/// A client of every service. Clones share a connection.
#[derive(Clone)]
pub struct Client {
    channel: Channel,
    name: Name,
}

/// Who a client says it is, if it does.
#[derive(Clone, Default)]
pub struct Name(Option<AsciiMetadataValue>);

/// A connection on which the caller is named.
pub type Line = InterceptedService<Channel, Name>;

impl Interceptor for Name {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(name) = &self.0 {
            request.metadata_mut().insert("x-tokenbroker-principal", name.clone());
        }
        Ok(request)
    }
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Self {
        let endpoint = Endpoint::from_shared(format!("http://{address}")).unwrap();
        let channel = endpoint.connect_timeout(Duration::from_secs(5)).connect().await.unwrap();
        Self::over(channel)
    }

    /// A client on this connection.
    pub fn over(channel: Channel) -> Self {
        Self { channel, name: Name::default() }
    }

    /// The same connection, used by another caller.
    pub fn named(&self, principal: &str) -> Self {
        Self { name: Name(Some(principal.parse().unwrap())), ..self.clone() }
    }

    /// Opens a stream of events.
    pub async fn events(
        &self,
        request: v1::WatchEventsRequest,
    ) -> Answer<tonic::Streaming<v1::WatchEventsResponse>> {
        read(EventServiceClient::new(self.line()).watch_events(request).await)
    }

    /// The connection.
    pub fn channel(&self) -> Channel {
        self.channel.clone()
    }

    /// The connection, on which the caller is named.
    pub fn line(&self) -> Line {
        InterceptedService::new(self.channel(), self.name.clone())
    }

    /// TokenService.
    pub fn tokens(&self) -> TokenServiceClient<Line> {
        TokenServiceClient::new(self.line())
    }

    /// ConsentService.
    pub fn consents(&self) -> ConsentServiceClient<Line> {
        ConsentServiceClient::new(self.line())
    }

    /// AdminService.
    pub fn admin(&self) -> AdminServiceClient<Line> {
        AdminServiceClient::new(self.line())
    }

    /// CreateAccessPolicy.
    pub async fn create_policy(&self, request: v1::CreateAccessPolicyRequest) -> Answer<v1::AccessPolicy> {
        let answer = read(self.admin().create_access_policy(request).await);
        answer.map(|answer| answer.access_policy.unwrap())
    }

    /// DeleteAccessPolicy.
    pub async fn delete_policy(&self, policy_id: &str) -> Answer<v1::DeleteAccessPolicyResponse> {
        let request = v1::DeleteAccessPolicyRequest { policy_id: policy_id.to_owned() };
        read(self.admin().delete_access_policy(request).await)
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

    /// StartDeviceAuthorization with nothing but the key.
    pub async fn start_device(&self, key: &v1::GrantKey) -> Answer<v1::StartDeviceAuthorizationResponse> {
        let request = v1::StartDeviceAuthorizationRequest {
            tenant_id: key.tenant_id.clone(),
            provider: key.provider.clone(),
            user_id: key.user_id.clone(),
            account: key.account.clone(),
            ..Default::default()
        };
        read(self.consents().start_device_authorization(request).await)
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

    /// WatchAccessTokens of these grants.
    pub async fn watch(
        &self,
        keys: &[v1::GrantKey],
    ) -> Answer<tonic::Streaming<v1::WatchAccessTokensResponse>> {
        let request = v1::WatchAccessTokensRequest { keys: keys.to_vec(), ..Default::default() };
        read(self.tokens().watch_access_tokens(request).await)
    }

    /// ReportRejectedToken.
    pub async fn report(
        &self,
        key: &v1::GrantKey,
        generation: u64,
        http_status: i32,
    ) -> Answer<v1::ReportRejectedTokenResponse> {
        let (key, detail) = (Some(key.clone()), "invalid_token".to_owned());
        let request = v1::ReportRejectedTokenRequest { key, generation, http_status, detail };
        read(self.tokens().report_rejected_token(request).await)
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

/// A policy that allows this caller to get tokens of this tenant, at every provider.
pub fn vending_policy(principal: &str, tenant: &str) -> v1::CreateAccessPolicyRequest {
    v1::CreateAccessPolicyRequest {
        principal: principal.to_owned(),
        actions: vec![v1::AccessAction::Vend.into()],
        tenant_id: tenant.to_owned(),
        provider: "*".to_owned(),
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
