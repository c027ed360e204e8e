//! Learning where API calls go, where the answer that brought a token does not say.

use std::time::Duration;

use crate::error::chain;
use crate::ports::NoBaseUrl;
use crate::{Broker, GrantKey, TokenResponse};

/// How long adopting an answer may wait for this: tokens are worth more, and the next refresh asks again.
const ASK_WITHIN: Duration = Duration::from_secs(2);

impl Broker {
    /// Asks the provider for the base URL that its answer left out. Fails nothing: without one the answer stays as it is.
    pub(super) async fn complete_base_url(&self, key: &GrantKey, tokens: &mut TokenResponse) {
        // An imported token that was never redeemed has no access token to ask with.
        if tokens.api_base_url.is_some() || tokens.access_token.expose().is_empty() {
            return;
        }
        let Ok(provider) = self.provider(&key.provider) else { return };
        if !provider.discovers_base_url() {
            return;
        }
        let asked = self.within(Some(ASK_WITHIN), provider.discover_base_url(&tokens.access_token)).await;
        match asked.unwrap_or_else(|| Err(NoBaseUrl::NoAnswer("it took too long".to_owned()))) {
            Ok(base_url) => tokens.api_base_url = Some(base_url),
            Err(error) => tracing::warn!(
                grant = %key.grant_id(), tenant = %key.tenant, provider = %key.provider, error = chain(&error),
                "the base URL of a grant could not be learnt; the next refresh asks again"
            ),
        }
    }
}
