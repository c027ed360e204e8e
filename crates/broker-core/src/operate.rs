//! What operators do: create tenants and registrations, look at grants, refresh one now.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{ClientSecret, KeyPurpose};

use crate::consent::check_scopes;
use crate::ports::{GrantFilter, VendableGrant};
use crate::rotation::Rotated;
use crate::vend::refusal;
use crate::{
    Broker, BrokerError, ClientRegistration, FieldViolation, Grant, GrantKey, Lifecycle, Phase, ProviderName,
    RegistrationId, Tenant, TenantId,
};

/// A client registration to create.
#[derive(Debug)]
pub struct NewRegistration {
    /// The tenant.
    pub tenant: TenantId,
    /// The provider.
    pub provider: ProviderName,
    /// Its name.
    pub id: RegistrationId,
    /// The client identifier the provider gave.
    pub client_id: String,
    /// The secret; `None` for a public client.
    pub client_secret: Option<ClientSecret>,
    /// The redirect URI registered at the provider.
    pub redirect_uri: String,
    /// Scopes to ask for when a request names none.
    pub scopes: Vec<String>,
    /// Where a browser may be sent after consent.
    pub return_to: BTreeMap<String, String>,
}

impl Broker {
    /// Creates a tenant with a fresh data key of each purpose.
    pub async fn create_tenant(&self, id: TenantId, display_name: String) -> Result<Tenant, BrokerError> {
        let keys = KeyPurpose::ALL
            .map(|purpose| self.keys.ring.generate_dek(id.as_str(), purpose, self.entropy.as_ref()).1);
        let tenant = Tenant { id, display_name, keys: keys.into(), created_at: self.clock.now() };
        match self.tenants.create_tenant(&tenant).await? {
            true => Ok(tenant),
            false => Err(BrokerError::AlreadyExists("tenant")),
        }
    }

    /// Creates a client registration of an existing tenant.
    pub async fn create_registration(&self, new: NewRegistration) -> Result<ClientRegistration, BrokerError> {
        self.provider(&new.provider)?;
        check_registration(&new)?;
        self.refuse_if_deleting(&new.tenant).await?;
        let keys = self.keys.of(&new.tenant).await?;
        let owner = ClientRegistration::secret_owner(&new.provider, &new.id);
        let place = ClientRegistration::secret_place(&new.tenant, &owner);
        let seal = |secret| keys.seal(secret, place, self.entropy.as_ref());
        let client_secret = new.client_secret.as_ref().map(seal).transpose()?;
        let registration = ClientRegistration {
            tenant: new.tenant,
            provider: new.provider,
            id: new.id,
            client_id: new.client_id,
            client_secret,
            redirect_uri: new.redirect_uri,
            scopes: new.scopes,
            return_to: new.return_to,
            created_at: self.clock.now(),
        };
        match self.tenants.create_registration(&registration).await? {
            true => Ok(registration),
            false => Err(BrokerError::AlreadyExists("client registration")),
        }
    }

    /// The grant of that key.
    pub async fn grant(&self, key: &GrantKey) -> Result<Grant, BrokerError> {
        self.provider(&key.provider)?;
        Ok(self.stored(key).await?.grant)
    }

    /// A page of a tenant's grants, ordered by key.
    pub async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, BrokerError> {
        self.tenants.tenant(&filter.tenant).await?.ok_or(BrokerError::TenantNotFound)?;
        Ok(self.grants.list_grants(filter).await?)
    }

    /// Refreshes a grant now, whether it is due or not, and waits for the outcome. A token in doubt still rests.
    pub async fn refresh_grant(
        self: &Arc<Self>,
        key: &GrantKey,
        wait: Option<Duration>,
    ) -> Result<Grant, BrokerError> {
        self.provider(&key.provider)?;
        let before = self.stored(key).await?.grant;
        let now = self.clock.now();
        // Rule 7: a token in doubt rests. Shown too early it could meet an orphaned request, or end a mere suspect.
        let in_doubt = matches!(before.phase, Phase::Uncertain | Phase::Suspect);
        let rests = in_doubt && before.paused_until(now).is_some();
        if before.lifecycle != Lifecycle::Active || !before.refreshable || rests {
            return Err(refusal(&before, now, self.timing.retry_base));
        }
        let mut flight = self.start_rotation(key, before.generation);
        let rotated = self.within(wait, flight.landed()).await.unwrap_or(Rotated::StillRunning);
        let after = self.stored(key).await?.grant;
        if after.generation > before.generation {
            return Ok(after);
        }
        match rotated {
            Rotated::Failed(error) => Err(error.into()),
            Rotated::RegistrationPaused(_) => {
                Err(BrokerError::ClientRegistrationRejected(after.registration))
            }
            Rotated::StillRunning => Err(BrokerError::RefreshInProgress(self.timing.retry_base)),
            _ => Err(refusal(&after, self.clock.now(), self.timing.retry_base)),
        }
    }

    async fn stored(&self, key: &GrantKey) -> Result<VendableGrant, BrokerError> {
        self.grants.vendable(key).await?.ok_or(BrokerError::GrantNotFound)
    }
}

fn check_registration(new: &NewRegistration) -> Result<(), BrokerError> {
    let mut violations = Vec::new();
    if new.client_id.is_empty() || new.client_id.chars().any(char::is_control) {
        violations.push(FieldViolation::new("client_id", "must not be empty or carry control characters"));
    }
    if new.client_secret.as_ref().is_some_and(|secret| secret.expose().is_empty()) {
        violations.push(FieldViolation::new(
            "client_secret",
            "must not be empty; set `public` for a client without one",
        ));
    }
    if let Err(problem) = check_url(&new.redirect_uri) {
        violations.push(FieldViolation::new("redirect_uri", problem));
    }
    for (key, url) in &new.return_to {
        if let Err(problem) = check_url(url) {
            violations.push(FieldViolation::new(format!("return_to[{key}]"), problem));
        }
    }
    violations.extend(check_scopes(&new.scopes, "scopes").err());
    if violations.is_empty() { Ok(()) } else { Err(BrokerError::InvalidRequest(violations)) }
}

/// Absolute, without fragment (RFC 6749 §3.1.2); https, or http on this machine (RFC 8252 §7.3).
fn check_url(text: &str) -> Result<(), &'static str> {
    let url = url::Url::parse(text).map_err(|_| "must be an absolute URL")?;
    if url.fragment().is_some() {
        return Err("must not have a fragment");
    }
    let loopback = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(()),
        "http" if loopback => Ok(()),
        _ => Err("must be https, or http on a loopback host"),
    }
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn redirects_go_over_tls_or_stay_on_this_machine() {
        for good in
            ["https://app.example/cb", "http://127.0.0.1:3333", "http://localhost:3000/cb", "http://[::1]/"]
        {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        for bad in [
            "http://app.example/cb",
            "ftp://localhost/",
            "/cb",
            "https://a.example/#f",
            "javascript:alert(1)",
        ] {
            assert!(check_url(bad).is_err(), "{bad}");
        }
    }
}
