//! One authorization server, spoken to.

use std::sync::Arc;

use async_trait::async_trait;
use broker_core::ports::{
    AuthorizationRequest, CallError, DerivedTokenRequest, DeviceAnswer, DeviceRequest, Identified,
    IdentityRequest, NoBaseUrl, PollRefusal, ProviderClient, RawResponse, RevocationAnswer,
    RevocationRequest, SendGate, SendRefused, TokenOutcome, TokenRequest,
};
use broker_core::{Clock, ProviderFailure, ProviderProfile};
use broker_crypto::{AccessToken, ProviderResponse};
use broker_egress::{Egress, EgressError, OneShot};
use url::Url;

use crate::authorize::authorization_url;
use crate::request::EncodedRequest;
use crate::validate::{called_url, plain_url};
use crate::{BodyFormat, DefinitionProblem, Identity, ProviderDefinition, derived};

/// The client of one authorization server, made of what is known of it.
pub struct OAuthClient {
    definition: ProviderDefinition,
    authorize_url: Url,
    token_url: Url,
    revoke_url: Option<Url>,
    pub(crate) introspect_url: Option<Url>,
    device_url: Option<Url>,
    pub(crate) client_settings_url: Option<Url>,
    derived_token_url: Option<Url>,
    pub(crate) egress: Egress,
    clock: Arc<dyn Clock>,
}

impl OAuthClient {
    /// A client for a sound definition; otherwise all that is wrong with it.
    pub fn new(
        mut definition: ProviderDefinition,
        egress: Egress,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Vec<DefinitionProblem>> {
        definition.validate()?;
        let wrong = |key| move |problem| vec![DefinitionProblem { key, problem }];
        let authorize_url = plain_url(&definition.endpoints.authorize_url).map_err(wrong("authorize_url"))?;
        let token_url = called_url(&definition.endpoints.token_url).map_err(wrong("token_url"))?;
        let revoke_url = definition.endpoints.revoke_url.as_deref().map(called_url);
        let revoke_url = revoke_url.transpose().map_err(wrong("revoke_url"))?;
        if revoke_url.is_none() {
            definition.profile.revocation = None;
        }
        let introspect_url = definition.endpoints.introspect_url.as_deref().map(called_url);
        let introspect_url = introspect_url.transpose().map_err(wrong("introspect_url"))?;
        let device_url = definition.endpoints.device_authorization_url.as_deref().map(called_url);
        let device_url = device_url.transpose().map_err(wrong("device_authorization_url"))?;
        let client_settings_url = definition.endpoints.client_settings_url.as_deref().map(called_url);
        let client_settings_url = client_settings_url.transpose().map_err(wrong("client_settings_url"))?;
        let derived_token_url = definition.endpoints.derived_token_url.as_deref().map(called_url);
        let derived_token_url = derived_token_url.transpose().map_err(wrong("derived_token_url"))?;
        Ok(Self {
            definition,
            authorize_url,
            token_url,
            revoke_url,
            introspect_url,
            device_url,
            client_settings_url,
            derived_token_url,
            egress,
            clock,
        })
    }

    /// What it was made of.
    pub fn definition(&self) -> &ProviderDefinition {
        &self.definition
    }

    pub(crate) fn one_shot(&self, url: &Url, encoded: EncodedRequest, gate: Arc<dyn SendGate>) -> OneShot {
        OneShot {
            url: url.clone(),
            authorization: encoded.authorization,
            content_type: self.definition.wire.body_format.content_type(),
            body: encoded.body,
            gate,
            // How long an answer is waited for is decided where it can also be read late (rule 5).
        }
    }
}

#[async_trait]
impl ProviderClient for OAuthClient {
    fn profile(&self) -> &ProviderProfile {
        &self.definition.profile
    }

    fn authorization_url(&self, request: &AuthorizationRequest<'_>) -> String {
        authorization_url(&self.authorize_url, request, &self.definition.scope_text(request.scopes))
    }

    async fn call(&self, request: TokenRequest, gate: Arc<dyn SendGate>) -> Result<RawResponse, CallError> {
        let encoded = self.definition.encode(&request);
        self.post(self.one_shot(&self.token_url, encoded, gate)).await
    }

    fn interpret(&self, response: &RawResponse) -> TokenOutcome {
        self.definition.read(response)
    }

    fn offers_device_authorization(&self) -> bool {
        self.device_url.is_some()
    }

    async fn authorize_device(&self, request: DeviceRequest) -> Result<RawResponse, CallError> {
        let Some(url) = &self.device_url else {
            return Err(CallError::Unsent("the provider has no device authorization endpoint".to_owned()));
        };
        let encoded = self.definition.encode_device(&request);
        self.post(self.one_shot(url, encoded, Arc::new(AlwaysOpen))).await
    }

    fn interpret_device(&self, response: &RawResponse) -> DeviceAnswer {
        self.definition.read_device(response)
    }

    fn poll_refusal(&self, failure: &ProviderFailure) -> PollRefusal {
        ProviderDefinition::read_poll_refusal(failure)
    }

    async fn revoke(
        &self,
        request: RevocationRequest,
        gate: Arc<dyn SendGate>,
    ) -> Result<RawResponse, CallError> {
        let Some(url) = &self.revoke_url else {
            return Err(CallError::Unsent("the provider has no revocation endpoint".to_owned()));
        };
        let encoded = self.definition.encode_revocation(&request);
        self.post(self.one_shot(url, encoded, gate)).await
    }

    fn interpret_revocation(&self, response: &RawResponse) -> RevocationAnswer {
        self.definition.read_revocation(response)
    }

    fn identifies(&self) -> bool {
        match &self.definition.wire.identity {
            Some(Identity::Introspection { claim }) => self.introspect_url.is_some() || claim.is_some(),
            Some(Identity::Resource { .. }) => true,
            None => false,
        }
    }

    async fn identify(&self, request: IdentityRequest<'_>) -> Identified {
        match &self.definition.wire.identity {
            Some(Identity::Resource { path, members }) => self.ask_resource(&request, path, members).await,
            Some(Identity::Introspection { claim }) => self.introspect(request, claim.as_deref()).await,
            None => Identified::Unknown,
        }
    }

    fn discovers_base_url(&self) -> bool {
        self.client_settings_url.is_some()
    }

    async fn discover_base_url(&self, access_token: &AccessToken) -> Result<String, NoBaseUrl> {
        self.ask_client_settings(access_token).await
    }

    fn derives_tokens(&self) -> bool {
        self.derived_token_url.is_some()
    }

    async fn derive_token(&self, request: DerivedTokenRequest<'_>) -> Result<RawResponse, CallError> {
        let Some(url) = &self.derived_token_url else {
            return Err(CallError::Unsent("the provider derives no tokens".to_owned()));
        };
        let shot = self.one_shot(url, derived::encode(&request), Arc::new(AlwaysOpen));
        self.post(OneShot { content_type: BodyFormat::Json.content_type(), ..shot }).await
    }

    fn interpret_derived(&self, response: &RawResponse) -> TokenOutcome {
        self.definition.read_derived(response)
    }
}

/// For a request that spends nothing: it may be sent whenever a connection stands.
struct AlwaysOpen;

#[async_trait]
impl SendGate for AlwaysOpen {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Ok(())
    }
}

impl OAuthClient {
    pub(crate) async fn post(&self, shot: OneShot) -> Result<RawResponse, CallError> {
        let mut answer = self.egress.post_once(shot).await.map_err(call_error)?;
        let received_at = self.clock.now();
        if !answer.body_sent && answer.status >= 500 {
            // From a gateway, most likely; unlike other 5xx it surely rotated nothing.
            return Err(CallError::Unsent(format!("answered {} before the request was sent", answer.status)));
        }
        Ok(RawResponse {
            status: answer.status,
            retry_after: answer.retry_after,
            body: ProviderResponse::new(std::mem::take(&mut *answer.body)),
            received_at,
        })
    }
}

fn call_error(error: EgressError) -> CallError {
    match error {
        EgressError::Unsent(cause) => CallError::Unsent(cause.to_string()),
        EgressError::Lost(cause) => CallError::Lost(cause.to_string()),
    }
}
