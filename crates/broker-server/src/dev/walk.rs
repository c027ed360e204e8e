//! The walk: consent, vend, rotation and vend again, for a user of each provider, over gRPC like anybody else.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::complete_authorization_request::Callback;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use broker_proto::v1::token_service_client::TokenServiceClient;
use broker_proto::v1::{
    CompleteAuthorizationRequest, CreateClientRegistrationRequest, CreateTenantRequest,
    GetAccessTokenRequest, GetAccessTokenResponse, GetGrantRequest, Grant, GrantKey, GrantState,
    ListGrantsRequest, RefreshGrantRequest, StartAuthorizationRequest,
};
use provider_sim::Person;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Status};

use super::provider::DemoProvider;
use super::{probe, say};

const TENANT: &str = "demo";
const USER: &str = "alice";

/// A client of the broker that was just started.
pub(super) struct Walk {
    tokens: TokenServiceClient<Channel>,
    consents: ConsentServiceClient<Channel>,
    admin: AdminServiceClient<Channel>,
}

/// A token that was vended after a rotation and that the provider's API accepted.
pub(super) struct CheckedToken {
    provider: &'static str,
    token: GetAccessTokenResponse,
}

impl CheckedToken {
    /// One line: provider, generation, and the token.
    pub(super) fn line(&self) -> String {
        format!(
            "{:<9} generation {} token {}\n",
            self.provider, self.token.generation, self.token.access_token
        )
    }
}

impl Walk {
    /// Connects and makes sure of the demo tenant.
    pub(super) async fn begin(grpc: SocketAddr) -> anyhow::Result<Self> {
        let channel = Endpoint::from_shared(format!("http://{grpc}"))?
            .timeout(Duration::from_secs(15))
            .connect()
            .await
            .context("the broker that was just started does not answer")?;
        let mut walk = Self {
            tokens: TokenServiceClient::new(channel.clone()),
            consents: ConsentServiceClient::new(channel.clone()),
            admin: AdminServiceClient::new(channel),
        };
        let tenant = CreateTenantRequest {
            tenant_id: TENANT.into(),
            display_name: "Demo tenant".into(),
            ..Default::default()
        };
        there_now(walk.admin.create_tenant(tenant).await)?;
        Ok(walk)
    }

    /// Walks one provider: a grant found from an earlier run is used as it is, without a new consent.
    pub(super) async fn provider(&self, provider: &DemoProvider) -> anyhow::Result<CheckedToken> {
        self.register(provider).await?;
        let held = self.grant(provider).await?;
        let before = match held.filter(|grant| grant.state() == GrantState::Active) {
            Some(grant) => {
                self.tell(
                    provider,
                    &format!("grant found, generation {}, no consent needed", grant.generation),
                )?;
                grant
            }
            None => self.consent(provider).await?,
        };
        let first = self.vend(provider).await?;
        self.call_api(provider, &first).await?;
        self.tell(provider, &format!("token vended, generation {}; the API accepts it", first.generation))?;

        let key = Some(key(provider));
        let rotated = self.admin.clone().refresh_grant(RefreshGrantRequest { key }).await?.into_inner();
        let generation = rotated.grant.context("RefreshGrant answers the grant")?.generation;
        ensure!(generation > before.generation, "the rotation left the generation at {generation}");
        let second = self.vend(provider).await?;
        ensure!(second.generation >= generation, "a token older than the rotation was vended");
        ensure!(second.access_token != first.access_token, "the rotation brought the same token");
        self.call_api(provider, &second).await?;
        check_base_url(provider, &second.api_base_url)?;
        self.tell(provider, &format!("rotated to generation {generation}; the API accepts the new token"))?;
        Ok(CheckedToken { provider: provider.name, token: second })
    }

    /// Every grant of the demo tenant.
    pub(super) async fn grants(&self) -> anyhow::Result<Vec<Grant>> {
        let request = ListGrantsRequest { tenant_id: TENANT.into(), ..Default::default() };
        Ok(self.admin.clone().list_grants(request).await?.into_inner().grants)
    }

    async fn register(&self, provider: &DemoProvider) -> anyhow::Result<()> {
        let registration = CreateClientRegistrationRequest {
            tenant_id: TENANT.into(),
            provider: provider.name.into(),
            registration_id: "main".into(),
            client_id: provider.client_id.into(),
            client_secret: provider.client_secret.into(),
            redirect_uri: provider.redirect_uri.into(),
            scopes: provider.scopes.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        there_now(self.admin.clone().create_client_registration(registration).await)
    }

    async fn grant(&self, provider: &DemoProvider) -> anyhow::Result<Option<Grant>> {
        match self.admin.clone().get_grant(GetGrantRequest { key: Some(key(provider)) }).await {
            Ok(response) => Ok(response.into_inner().grant),
            Err(status) if status.code() == Code::NotFound => Ok(None),
            Err(status) => Err(status.into()),
        }
    }

    /// Authorize redirect, consent page, callback, code exchange with PKCE.
    async fn consent(&self, provider: &DemoProvider) -> anyhow::Result<Grant> {
        let start = StartAuthorizationRequest {
            tenant_id: TENANT.into(),
            provider: provider.name.into(),
            user_id: USER.into(),
            ..Default::default()
        };
        let started = self.consents.clone().start_authorization(start).await?.into_inner();
        let callback_url = Person::new(provider.person).approve(&started.authorization_url).await?;
        let complete = CompleteAuthorizationRequest {
            tenant_id: TENANT.into(),
            user_id: USER.into(),
            callback: Some(Callback::CallbackUrl(callback_url)),
        };
        let completed = self.consents.clone().complete_authorization(complete).await?.into_inner();
        self.tell(provider, &format!("{USER} consented; code exchanged with PKCE, grant sealed and stored"))?;
        completed.grant.context("CompleteAuthorization answers the grant")
    }

    async fn vend(&self, provider: &DemoProvider) -> anyhow::Result<GetAccessTokenResponse> {
        let request = GetAccessTokenRequest {
            tenant_id: TENANT.into(),
            provider: provider.name.into(),
            user_id: USER.into(),
            purpose: "demo".into(),
            ..Default::default()
        };
        Ok(self.tokens.clone().get_access_token(request).await?.into_inner())
    }

    async fn call_api(&self, provider: &DemoProvider, token: &GetAccessTokenResponse) -> anyhow::Result<()> {
        let authorization = token.headers.get("authorization").context("a vended token has its header")?;
        match probe::status(&provider.base_url, provider.api_path, authorization).await? {
            200 => Ok(()),
            status => bail!("{} answered {status} to the vended token", provider.api_path),
        }
    }

    fn tell(&self, provider: &DemoProvider, what: &str) -> anyhow::Result<()> {
        say(format!("{:<9} {what}\n", provider.name))
    }
}

/// Where a provider names a base URL, it is the simulator's: a token of the demo goes nowhere else.
fn check_base_url(provider: &DemoProvider, vended: &str) -> anyhow::Result<()> {
    let expected = match provider.names_base_url {
        true => provider.base_url.replacen("http://", "https://", 1),
        false => String::new(),
    };
    ensure!(vended == expected, "the vended api_base_url is `{vended}`, not `{expected}`");
    Ok(())
}

fn key(provider: &DemoProvider) -> GrantKey {
    GrantKey {
        tenant_id: TENANT.into(),
        provider: provider.name.into(),
        user_id: USER.into(),
        account: String::new(),
    }
}

/// Created now, or by an earlier run.
fn there_now<T>(created: Result<T, Status>) -> anyhow::Result<()> {
    match created {
        Ok(_) => Ok(()),
        Err(status) if status.code() == Code::AlreadyExists => Ok(()),
        Err(status) => Err(status.into()),
    }
}
