//! The applications registered with a provider.

use std::collections::HashMap;
use std::fmt;

use crate::params;

/// The grant types a client may be registered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantType {
    /// RFC 6749 section 4.1.
    AuthorizationCode,
    /// RFC 6749 section 6.
    RefreshToken,
    /// RFC 6749 section 4.4.
    ClientCredentials,
}

/// A registered application.
#[derive(Clone)]
pub struct ClientConfig {
    /// The client identifier.
    pub client_id: String,
    /// The secret; `None` makes the client public (RFC 6749 section 2.1).
    pub client_secret: Option<String>,
    /// The registered redirect URIs.
    pub redirect_uris: Vec<String>,
    /// The scopes the client may ask for.
    pub scopes: Vec<String>,
    /// The grant types the client may use; those of a user's consent by default.
    pub grant_types: Vec<GrantType>,
}

impl ClientConfig {
    /// A confidential client.
    pub fn confidential(id: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { client_secret: Some(secret.into()), ..Self::public(id) }
    }

    /// A public client: it has no secret and must use PKCE.
    pub fn public(id: impl Into<String>) -> Self {
        Self {
            client_id: id.into(),
            client_secret: None,
            redirect_uris: Vec::new(),
            scopes: Vec::new(),
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        }
    }

    /// Adds a redirect URI.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Replaces the scopes.
    pub fn scopes(mut self, scopes: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Adds tokens of the client itself (RFC 6749 section 4.4) to what it may ask for.
    pub fn client_credentials(mut self) -> Self {
        self.grant_types.push(GrantType::ClientCredentials);
        self
    }

    pub(crate) fn may_have(&self, scope: &str) -> bool {
        params::scopes(scope).all(|item| self.scopes.iter().any(|own| own == item))
    }

    pub(crate) fn may_use(&self, grant_type: GrantType) -> bool {
        self.grant_types.contains(&grant_type)
    }

    pub(crate) const fn is_public(&self) -> bool {
        self.client_secret.is_none()
    }
}

impl fmt::Debug for ClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientConfig")
            .field("client_id", &self.client_id)
            .field("client_secret", &self.client_secret.as_ref().map(|_| "redacted"))
            .field("redirect_uris", &self.redirect_uris)
            .field("scopes", &self.scopes)
            .field("grant_types", &self.grant_types)
            .finish()
    }
}

/// The registered clients as they are now; secrets and scopes change while the simulator runs.
pub(crate) struct Clients(HashMap<String, Client>);

struct Client {
    config: ClientConfig,
    /// Secrets that are valid besides the registered one.
    more_secrets: Vec<String>,
}

/// No client of that id is registered.
#[derive(Debug, thiserror::Error)]
#[error("no client `{0}` is registered with this simulator; name one of the configured clients")]
pub struct UnknownClient(pub(crate) String);

impl Clients {
    pub(crate) fn new(configs: impl IntoIterator<Item = ClientConfig>) -> Self {
        let clients = configs
            .into_iter()
            .map(|config| (config.client_id.clone(), Client { config, more_secrets: Vec::new() }));
        Self(clients.collect())
    }

    pub(crate) fn find(&self, client_id: &str) -> Option<&ClientConfig> {
        self.0.get(client_id).map(|client| &client.config)
    }

    /// The confidential client whose secret this is.
    pub(crate) fn authenticate(&self, client_id: &str, secret: &str) -> Option<&ClientConfig> {
        let client = self.0.get(client_id)?;
        let registered = client.config.client_secret.iter();
        let mut known = registered.chain(&client.more_secrets);
        known.any(|own| own == secret).then_some(&client.config)
    }

    pub(crate) fn set_secret(&mut self, client_id: &str, secret: &str) -> Result<(), UnknownClient> {
        let client = self.get_mut(client_id)?;
        client.config.client_secret = Some(secret.to_owned());
        client.more_secrets.clear();
        Ok(())
    }

    pub(crate) fn add_secret(&mut self, client_id: &str, secret: &str) -> Result<(), UnknownClient> {
        self.get_mut(client_id)?.more_secrets.push(secret.to_owned());
        Ok(())
    }

    pub(crate) fn set_scopes(&mut self, client_id: &str, scopes: &[&str]) -> Result<(), UnknownClient> {
        self.get_mut(client_id)?.config.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Ok(())
    }

    fn get_mut(&mut self, client_id: &str) -> Result<&mut Client, UnknownClient> {
        self.0.get_mut(client_id).ok_or_else(|| UnknownClient(client_id.to_owned()))
    }
}
