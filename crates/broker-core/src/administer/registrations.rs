//! Client registrations: create, read, list, change, delete.

use std::collections::BTreeMap;

use broker_crypto::ClientSecret;

use super::outcome::{changed, id_reused};
use super::urls::check_url;
use crate::consent::check_scopes;
use crate::ports::{CreateOutcome, RegistrationChange, RegistrationFilter, RegistrationKey, RequestMark};
use crate::{
    Actor, AuditRecord, Broker, BrokerError, ClientRegistration, FieldViolation, GrantWindow, ProviderName,
    RegistrationId, RequestId, RowVersion, SecretId, TenantId,
};

/// What a deletion is refused for.
const PINNED: &str =
    "grants are pinned to the client registration, or are being made or refreshed through it";

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
    /// How long its grants live; `None` as the provider's grants do.
    pub grant_window: Option<GrantWindow>,
    /// Whether users may consent on another device (RFC 8628).
    pub allow_device_authorization: bool,
}

/// Changes a registration; an absent field stays as it is.
#[derive(Debug)]
pub struct RegistrationUpdate {
    /// The registration.
    pub key: RegistrationKey,
    /// Its new redirect URI.
    pub redirect_uri: Option<String>,
    /// Its new scopes.
    pub scopes: Option<Vec<String>>,
    /// Its new places to send a browser to.
    pub return_to: Option<BTreeMap<String, String>>,
    /// How long its grants live from their next token set on; `Some(None)` as the provider's grants do.
    pub grant_window: Option<Option<GrantWindow>>,
    /// Whether users may consent on another device (RFC 8628) from now on.
    pub allow_device_authorization: Option<bool>,
    /// The version the change was made for; `None` changes whatever is there.
    pub expected: Option<RowVersion>,
}

impl Broker {
    /// Creates a client registration of an existing tenant. A repeated request answers the one it has made.
    pub async fn create_registration(
        &self,
        new: NewRegistration,
        request: Option<RequestId>,
        by: &Actor,
    ) -> Result<ClientRegistration, BrokerError> {
        self.provider(&new.provider)?;
        check_new(&new)?;
        self.refuse_if_deleting(&new.tenant).await?;
        let mark = self.mark_of(&new, request);
        let registration = self.seal_registration(&new).await?;
        let record = self.registration_record(&RegistrationKey::of(&registration), by);
        match self.tenants.create_registration(&registration, mark.as_ref(), &record).await? {
            CreateOutcome::Created => Ok(registration),
            CreateOutcome::Taken => Err(BrokerError::AlreadyExists("client registration")),
            CreateOutcome::Repeated(_) => {
                let made = self.registration(&RegistrationKey::of(&registration)).await?;
                self.check_same_secret(&made, SecretId::FIRST, new.client_secret.as_ref()).await?;
                Ok(made)
            }
            CreateOutcome::IdReused => Err(id_reused()),
            CreateOutcome::OverQuota(quota) => Err(BrokerError::QuotaExceeded(quota)),
        }
    }

    /// The registration of that name.
    pub async fn registration(&self, key: &RegistrationKey) -> Result<ClientRegistration, BrokerError> {
        match self.tenants.registration(&key.tenant, &key.provider, &key.id).await? {
            Some(found) => Ok(found),
            None => Err(self.no_registration(key)),
        }
    }

    /// A page of a tenant's registrations, oldest first.
    pub async fn list_registrations(
        &self,
        filter: &RegistrationFilter,
    ) -> Result<Vec<ClientRegistration>, BrokerError> {
        self.tenant(&filter.tenant).await?;
        Ok(self.tenants.list_registrations(filter).await?)
    }

    /// Changes a registration, if it still has the version expected. Grants stay pinned to it.
    pub async fn update_registration(
        &self,
        update: RegistrationUpdate,
        by: &Actor,
    ) -> Result<ClientRegistration, BrokerError> {
        let scopes = update.scopes.as_deref().unwrap_or_default();
        no_violations(check_fields(update.redirect_uri.as_deref(), scopes, update.return_to.as_ref()))?;
        let RegistrationUpdate {
            key,
            redirect_uri,
            scopes,
            return_to,
            grant_window,
            allow_device_authorization,
            expected,
        } = update;
        let at = self.clock.now();
        let change = RegistrationChange {
            key,
            redirect_uri,
            scopes,
            return_to,
            grant_window,
            allow_device_authorization,
            expected,
            at,
        };
        let record = self.registration_record(&change.key, by);
        let outcome = self.tenants.update_registration(&change, &record).await?;
        changed(outcome, self.no_registration(&change.key), PINNED)?;
        self.registration(&change.key).await
    }

    /// Deletes a registration that no living grant is pinned to, and erases its secrets.
    pub async fn delete_registration(
        &self,
        key: &RegistrationKey,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<(), BrokerError> {
        let record = self.registration_record(key, by);
        let outcome = self.tenants.delete_registration(key, expected, record.at, &record).await?;
        changed(outcome, self.no_registration(key), PINNED)
    }

    fn registration_record(&self, key: &RegistrationKey, by: &Actor) -> AuditRecord {
        by.did(Some(&key.tenant), self.clock.now()).at_provider(&key.provider).resource(key.resource())
    }

    /// Registrations outlive the configuration of their provider, so that is looked at only where there is none.
    pub(super) fn no_registration(&self, key: &RegistrationKey) -> BrokerError {
        self.provider(&key.provider).err().unwrap_or(BrokerError::RegistrationNotFound)
    }

    /// A repeated request must bring the secret it brought before. One that was retired since cannot be compared.
    pub(super) async fn check_same_secret(
        &self,
        registration: &ClientRegistration,
        id: SecretId,
        given: Option<&ClientSecret>,
    ) -> Result<(), BrokerError> {
        let held = registration.secrets.iter().find(|secret| secret.id == id);
        let (Some(held), Some(given)) = (held, given) else { return Ok(()) };
        let held = self.open_secret(registration, held).await?;
        if held.expose() == given.expose() { Ok(()) } else { Err(id_reused()) }
    }

    fn mark_of(&self, new: &NewRegistration, request: Option<RequestId>) -> Option<RequestMark> {
        let public = if new.client_secret.is_some() { "confidential" } else { "public" };
        let scopes = new.scopes.join(" ");
        let names = [new.tenant.as_str(), new.provider.as_str(), new.id.as_str()];
        let device = if new.allow_device_authorization { "device" } else { "no device" };
        let facts = [new.client_id.as_str(), new.redirect_uri.as_str(), public, scopes.as_str(), device];
        let places = new.return_to.iter().flat_map(|(name, url)| [name.as_str(), url.as_str()]);
        let window = new.grant_window.map(GrantWindow::to_text);
        let mut parts: Vec<&str> = names.into_iter().chain(facts).chain(places).collect();
        parts.extend(window.iter().flat_map(|window| ["grant_window", window.as_str()]));
        self.mark(request, "CreateClientRegistration", &parts)
    }

    async fn seal_registration(&self, new: &NewRegistration) -> Result<ClientRegistration, BrokerError> {
        let keys = self.keys.of(&new.tenant).await?;
        let key = RegistrationKey {
            tenant: new.tenant.clone(),
            provider: new.provider.clone(),
            id: new.id.clone(),
        };
        let secret = match &new.client_secret {
            Some(secret) => Some(self.seal_secret(&key, SecretId::FIRST, secret, &keys).await?),
            None => None,
        };
        let now = self.clock.now();
        Ok(ClientRegistration {
            client_id: new.client_id.clone(),
            secrets_made: u32::from(secret.is_some()),
            secrets: secret.into_iter().collect(),
            redirect_uri: new.redirect_uri.clone(),
            scopes: new.scopes.clone(),
            return_to: new.return_to.clone(),
            grant_window: new.grant_window,
            allow_device_authorization: new.allow_device_authorization,
            rejected: false,
            created_at: now,
            updated_at: now,
            version: RowVersion::first(now),
            tenant: key.tenant,
            provider: key.provider,
            id: key.id,
        })
    }
}

fn check_new(new: &NewRegistration) -> Result<(), BrokerError> {
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
    violations.extend(check_fields(Some(&new.redirect_uri), &new.scopes, Some(&new.return_to)));
    no_violations(violations)
}

fn check_fields(
    redirect_uri: Option<&str>,
    scopes: &[String],
    return_to: Option<&BTreeMap<String, String>>,
) -> Vec<FieldViolation> {
    let mut violations = Vec::new();
    if let Some(Err(problem)) = redirect_uri.map(check_url) {
        violations.push(FieldViolation::new("redirect_uri", problem));
    }
    for (key, url) in return_to.into_iter().flatten() {
        if let Err(problem) = check_url(url) {
            violations.push(FieldViolation::new(format!("return_to[{key}]"), problem));
        }
    }
    violations.extend(check_scopes(scopes, "scopes").err());
    violations
}

fn no_violations(violations: Vec<FieldViolation>) -> Result<(), BrokerError> {
    if violations.is_empty() { Ok(()) } else { Err(BrokerError::InvalidRequest(violations)) }
}
