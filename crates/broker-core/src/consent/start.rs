//! Starting an authorization: state, verifier, and the link.

use std::fmt;

use broker_crypto::{AuthorizationState, CodeVerifier, KeyPurpose, Place};

use super::hosting::Hosting;
use super::scope::check_scopes;
use crate::ports::{AuthorizationRequest, StartOutcome};
use crate::{
    Actor, Authorization, AuthorizationId, AuthorizationStatus, Broker, BrokerError, ClientRegistration,
    GrantKey, LineageId, Permit, ProviderName, RegistrationId, Timestamp,
};

/// Asks for a link to send a user to.
#[derive(Debug, Clone)]
pub struct StartRequest {
    /// The grant it is to make.
    pub key: GrantKey,
    /// The registration to use; `None` for the one of the existing grant, else the tenant's first at the provider.
    pub registration: Option<RegistrationId>,
    /// The scopes to ask for; empty means the registration's.
    pub scopes: Vec<String>,
    /// Whom to offer to log in.
    pub login_hint: Option<String>,
    /// Accept another upstream account than the one of the existing grant.
    pub allow_account_change: bool,
    /// What the broker's own callback page is to do, where the registration's callbacks come to it.
    pub hosting: Hosting,
    /// Leave of the caller to ask.
    pub permit: Permit,
}

/// An authorization was started. `Debug` leaves the link out: it carries the state.
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
    pub async fn start_authorization(
        &self,
        request: &StartRequest,
        by: &Actor,
    ) -> Result<Started, BrokerError> {
        let key = &request.key;
        let provider = self.provider(&key.provider)?;
        check_scopes(&request.scopes, "scopes")
            .map_err(|violation| BrokerError::InvalidRequest(vec![violation]))?;
        self.refuse_if_deleting(&key.tenant).await?;
        let keys = self.keys.of(&key.tenant).await?;
        let registration = self
            .registration_to_use(key, request.registration.as_ref())
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let scopes = self.scopes_to_ask(&key.provider, &request.scopes, &registration)?;
        request.permit.extends_to_scopes(key, &scopes)?;
        let hosted = request.hosting.of(&registration)?;

        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Rotation).await?;
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
            verifier: right.seal(&verifier, place, self.entropy.as_ref())?,
            hosted,
            status: AuthorizationStatus::Pending,
            created_at: now,
            expires_at: now + self.timing.authorization_life,
            allow_account_change: request.allow_account_change,
            import: None,
        };
        match self.consents.start_authorization(&authorization, &authorization.record(by, now)).await? {
            StartOutcome::Started => Ok(Started { id, url, expires_at: authorization.expires_at }),
            StartOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
            StartOutcome::HasMachineCredential => Err(BrokerError::AlreadyExists("machine credential")),
        }
    }

    /// A grant stays with the registration that minted it, unless the request names another or it was deleted.
    pub(crate) async fn registration_to_use(
        &self,
        key: &GrantKey,
        named: Option<&RegistrationId>,
    ) -> Result<Option<ClientRegistration>, BrokerError> {
        let GrantKey { tenant, provider, .. } = key;
        if let Some(named) = named {
            return Ok(self.tenants.registration(tenant, provider, named).await?);
        }
        if let Some(held) = self.grants.vendable(key).await?
            && let Some(pinned) =
                self.tenants.registration(tenant, provider, &held.grant.registration).await?
        {
            return Ok(Some(pinned));
        }
        Ok(self.tenants.first_registration(tenant, provider).await?)
    }

    /// The provider's own scopes, and the request's, else the registration's.
    pub(crate) fn scopes_to_ask(
        &self,
        provider: &ProviderName,
        wanted: &[String],
        registration: &ClientRegistration,
    ) -> Result<Vec<String>, BrokerError> {
        let mut scopes = self.provider(provider)?.profile().default_scopes.clone();
        let named = if wanted.is_empty() { registration.scopes.as_slice() } else { wanted };
        for scope in named {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        Ok(scopes)
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Started({}, [redacted])", self.id)
    }
}
