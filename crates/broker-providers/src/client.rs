//! One authorization server, spoken to.

use std::sync::Arc;

use async_trait::async_trait;
use broker_core::ports::{
    AuthorizationRequest, CallError, ProviderClient, RawResponse, SendGate, TokenOutcome, TokenRequest,
};
use broker_core::{Clock, ProviderProfile};
use broker_crypto::ProviderResponse;
use broker_egress::{Egress, EgressError, OneShot};
use url::Url;

use crate::authorize::authorization_url;
use crate::validate::{called_url, plain_url};
use crate::{DefinitionProblem, ProviderDefinition};

/// The client of one authorization server, made of what is known of it.
pub struct OAuthClient {
    definition: ProviderDefinition,
    authorize_url: Url,
    token_url: Url,
    egress: Egress,
    clock: Arc<dyn Clock>,
}

impl OAuthClient {
    /// A client for a sound definition; otherwise all that is wrong with it.
    pub fn new(
        definition: ProviderDefinition,
        egress: Egress,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Vec<DefinitionProblem>> {
        definition.validate()?;
        let wrong = |key| move |problem| vec![DefinitionProblem { key, problem }];
        let authorize_url = plain_url(&definition.endpoints.authorize_url).map_err(wrong("authorize_url"))?;
        let token_url = called_url(&definition.endpoints.token_url).map_err(wrong("token_url"))?;
        Ok(Self { definition, authorize_url, token_url, egress, clock })
    }

    /// What it was made of.
    pub fn definition(&self) -> &ProviderDefinition {
        &self.definition
    }

    fn one_shot(&self, request: &TokenRequest, gate: Arc<dyn SendGate>) -> OneShot {
        let encoded = self.definition.encode(request);
        OneShot {
            url: self.token_url.clone(),
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
        let mut answer = self.egress.post_once(self.one_shot(&request, gate)).await.map_err(call_error)?;
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

    fn interpret(&self, response: &RawResponse) -> TokenOutcome {
        self.definition.read(response)
    }
}

fn call_error(error: EgressError) -> CallError {
    match error {
        EgressError::Unsent(cause) => CallError::Unsent(cause.to_string()),
        EgressError::Lost(cause) => CallError::Lost(cause.to_string()),
    }
}
