//! One authorization server, spoken to.

use std::sync::Arc;

use async_trait::async_trait;
use broker_core::ports::{
    AuthorizationRequest, CallError, ProviderClient, RawResponse, RevocationAnswer, RevocationRequest,
    SendGate, TokenOutcome, TokenRequest,
};
use broker_core::{Clock, ProviderProfile};
use broker_crypto::ProviderResponse;
use broker_egress::{Egress, EgressError, OneShot};
use url::Url;

use crate::authorize::authorization_url;
use crate::request::EncodedRequest;
use crate::validate::{called_url, plain_url};
use crate::{DefinitionProblem, ProviderDefinition};

/// The client of one authorization server, made of what is known of it.
pub struct OAuthClient {
    definition: ProviderDefinition,
    authorize_url: Url,
    token_url: Url,
    revoke_url: Option<Url>,
    egress: Egress,
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
        Ok(Self { definition, authorize_url, token_url, revoke_url, egress, clock })
    }

    /// What it was made of.
    pub fn definition(&self) -> &ProviderDefinition {
        &self.definition
    }

    fn one_shot(&self, url: &Url, encoded: EncodedRequest, gate: Arc<dyn SendGate>) -> OneShot {
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
}

impl OAuthClient {
    async fn post(&self, shot: OneShot) -> Result<RawResponse, CallError> {
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
