//! Starting an authorization: state, verifier, and the link.

use broker_crypto::{AuthorizationState, CodeVerifier, Place};

use super::scope::check_scopes;
use crate::ports::AuthorizationRequest;
use crate::{
    Authorization, AuthorizationId, AuthorizationStatus, Broker, BrokerError, ClientRegistration,
    FieldViolation, GrantKey, LineageId, RegistrationId, Timestamp,
};

/// Asks for a link to send a user to.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The grant it is to make.
    pub key: GrantKey,
    /// The registration to use; `None` for the tenant's newest at the provider.
    pub registration: Option<RegistrationId>,
    /// The scopes to ask for; empty means the registration's.
    pub scopes: Vec<String>,
    /// Key of a registered URL to send the browser to afterwards; empty means none.
    pub return_to: String,
    /// Whom to offer to log in.
    pub login_hint: Option<String>,
}

/// An authorization was started.
#[derive(Debug)]
pub struct Started {
    /// Its id.
    pub id: AuthorizationId,
    /// The link; it carries the state.
    pub url: String,
    /// Until when the callback is accepted.
    pub expires_at: Timestamp,
}

impl Broker {
    /// Starts an authorization (RFC 6749 §4.1.1) with a fresh state and PKCE S256.
    pub async fn start_authorization(&self, request: &StartRequest) -> Result<Started, BrokerError> {
        let key = &request.key;
        let provider = self.provider(&key.provider)?;
        check_scopes(&request.scopes, "scopes")
            .map_err(|violation| BrokerError::InvalidRequest(vec![violation]))?;
        let keys = self.keys.of(&key.tenant).await?;
        let registration = match &request.registration {
            Some(id) => self.tenants.registration(&key.tenant, &key.provider, id).await?,
            None => self.tenants.newest_registration(&key.tenant, &key.provider).await?,
        };
        let registration = registration.ok_or(BrokerError::NoClientRegistration)?;
        check_return_to(&registration, &request.return_to)?;
        let scopes = self.scopes_to_ask(request, &registration)?;

        let now = self.clock.now();
        let id = AuthorizationId::generate(now, self.entropy.as_ref());
        let state = AuthorizationState::generate(self.entropy.as_ref());
        let verifier = CodeVerifier::generate(self.entropy.as_ref());
        let url = provider.authorization_url(&AuthorizationRequest {
            client_id: &registration.client_id,
            redirect_uri: &registration.redirect_uri,
            scopes: &scopes,
            state: &state,
            code_challenge: &verifier.challenge_s256(),
            login_hint: request.login_hint.as_deref(),
        });
        let owner = id.to_string();
        let place = Place { tenant: key.tenant.as_str(), owner: &owner, generation: 0 };
        let authorization = Authorization {
            id,
            key: key.clone(),
            lineage: LineageId::generate(now, self.entropy.as_ref()),
            redirect_uri: registration.redirect_uri,
            registration: registration.id,
            scopes,
            state_digest: state.digest(),
            verifier: keys.seal(&verifier, place, self.entropy.as_ref())?,
            status: AuthorizationStatus::Pending,
            created_at: now,
            expires_at: now + self.timing.authorization_life,
        };
        self.consents.start_authorization(&authorization).await?;
        Ok(Started { id, url, expires_at: authorization.expires_at })
    }

    /// The request's scopes, else the registration's, else the provider's own.
    fn scopes_to_ask(
        &self,
        request: &StartRequest,
        registration: &ClientRegistration,
    ) -> Result<Vec<String>, BrokerError> {
        let profile = self.provider(&request.key.provider)?.profile();
        let named = [&request.scopes, &registration.scopes].into_iter().find(|scopes| !scopes.is_empty());
        Ok(named.unwrap_or(&profile.default_scopes).clone())
    }
}

fn check_return_to(registration: &ClientRegistration, return_to: &str) -> Result<(), BrokerError> {
    if return_to.is_empty() || registration.return_to.contains_key(return_to) {
        return Ok(());
    }
    let problem = "is not a key of the client registration's return_to";
    Err(BrokerError::InvalidRequest(vec![FieldViolation::new("return_to", problem)]))
}
