//! The product's side: a tenant, its client registration, and users who consent.

use std::net::SocketAddr;

use anyhow::{Context, Result};
use broker_proto::v1;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::token_service_client::TokenServiceClient;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use provider_sim::{EagleEyeConfig, Person};
use tonic::transport::{Channel, Endpoint};

use crate::broker::{PROVIDER, TENANT};
use crate::report;
use crate::target::Question;

/// Consents under way at once.
const AT_ONCE: usize = 16;
/// A user of the simulator; any number of grants may be his.
const UPSTREAM_USER: &str = "a11ce001";

/// A product back end that talks to the broker.
pub(crate) struct Product {
    channel: Channel,
}

impl Product {
    /// Connects, and makes the tenant with its client registration.
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{address}"))?.connect().await?;
        let mut admin = AdminServiceClient::new(channel.clone());
        let tenant = v1::CreateTenantRequest { tenant_id: TENANT.to_owned(), ..Default::default() };
        admin.create_tenant(tenant).await.context("the broker made no tenant")?;
        admin
            .create_client_registration(registration())
            .await
            .context("the broker took no client registration")?;
        Ok(Self { channel })
    }

    /// Walks the user of each request through consent. Answers what to ask from then on, in any order.
    pub(crate) async fn obtain_grants(
        &self,
        requests: &[v1::GetAccessTokenRequest],
    ) -> Result<Vec<Question>> {
        let mut consents =
            stream::iter(requests).map(|request| self.consent(request)).buffer_unordered(AT_ONCE);
        let mut questions = Vec::with_capacity(requests.len());
        while let Some(question) = consents.try_next().await? {
            questions.push(question);
            report::prepared(questions.len(), requests.len());
        }
        Ok(questions)
    }

    async fn consent(&self, request: &v1::GetAccessTokenRequest) -> Result<Question> {
        let mut service = ConsentServiceClient::new(self.channel.clone());
        let user_id = request.user_id.clone();
        let start = v1::StartAuthorizationRequest {
            tenant_id: TENANT.to_owned(),
            provider: PROVIDER.to_owned(),
            user_id: user_id.clone(),
            ..Default::default()
        };
        let started =
            service.start_authorization(start).await.context("StartAuthorization failed")?.into_inner();
        let callback = Person::new(UPSTREAM_USER).approve(&started.authorization_url).await?;
        let complete = v1::CompleteAuthorizationRequest {
            tenant_id: TENANT.to_owned(),
            user_id,
            callback: Some(Callback::CallbackUrl(callback)),
        };
        let completed =
            service.complete_authorization(complete).await.context("CompleteAuthorization failed")?;
        let grant = completed.into_inner().grant.context("CompleteAuthorization answered no grant")?;
        Ok(Question::new(request, grant.grant_id))
    }

    /// A token, as a service gets it.
    pub(crate) async fn token(
        &self,
        request: &v1::GetAccessTokenRequest,
    ) -> Result<v1::GetAccessTokenResponse> {
        let mut service = TokenServiceClient::new(self.channel.clone());
        Ok(service.get_access_token(request.clone()).await.context("GetAccessToken failed")?.into_inner())
    }
}

fn registration() -> v1::CreateClientRegistrationRequest {
    v1::CreateClientRegistrationRequest {
        tenant_id: TENANT.to_owned(),
        provider: PROVIDER.to_owned(),
        registration_id: "demo".to_owned(),
        client_id: EagleEyeConfig::DEMO_CLIENT_ID.to_owned(),
        client_secret: EagleEyeConfig::DEMO_CLIENT_SECRET.to_owned(),
        redirect_uri: EagleEyeConfig::DEMO_REDIRECT_URI.to_owned(),
        scopes: vec!["vms.all".to_owned()],
        ..Default::default()
    }
}
