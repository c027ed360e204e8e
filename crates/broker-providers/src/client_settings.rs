//! Where the API calls of an account go, asked of the provider: its answer is believed no more than a token response.

use broker_core::ports::NoBaseUrl;
use broker_crypto::AccessToken;
use broker_egress::FetchError;
use zeroize::Zeroizing;

use crate::base_url::capture;
use crate::client::OAuthClient;
use crate::members::Members;

impl OAuthClient {
    /// Reads the member that token responses have too, under the same rules.
    pub(crate) async fn ask_client_settings(&self, access_token: &AccessToken) -> Result<String, NoBaseUrl> {
        let url = self.client_settings_url.as_ref().ok_or(NoBaseUrl::Unusable)?;
        let bearer = Zeroizing::new(format!("Bearer {}", access_token.expose()));
        match self.egress.fetch(url, Some(bearer)).await {
            Ok(body) => self.base_url_of(&body).ok_or(NoBaseUrl::Unusable),
            Err(FetchError::Status(status)) => Err(NoBaseUrl::Refused(status)),
            Err(FetchError::NoAnswer(cause)) => Err(NoBaseUrl::NoAnswer(cause.to_string())),
        }
    }

    fn base_url_of(&self, body: &[u8]) -> Option<String> {
        let definition = self.definition();
        let member = definition.wire.base_url_member.as_deref()?;
        capture(Members::parse(body)?.get(member)?, &definition.endpoints.api_hosts)
    }
}
