//! Tenants and their registrations as OAuth clients.

use std::collections::BTreeMap;

use broker_crypto::{ClientSecret, Place, Sealed, WrappedDek};

use crate::{ProviderName, RegistrationId, TenantId, Timestamp};

/// A tenant with its wrapped data keys.
#[derive(Debug, Clone)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// A name for people.
    pub display_name: String,
    /// Its data keys, newest first.
    pub keys: Vec<WrappedDek>,
    /// When it was created.
    pub created_at: Timestamp,
}

/// A tenant's registration as a client at one provider (RFC 6749 §2).
#[derive(Debug, Clone)]
pub struct ClientRegistration {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The provider it is registered at.
    pub provider: ProviderName,
    /// Its name within the tenant and provider.
    pub id: RegistrationId,
    /// The client identifier the provider gave (RFC 6749 §2.2).
    pub client_id: String,
    /// The client secret; `None` for a public client (RFC 6749 §2.1).
    pub client_secret: Option<Sealed<ClientSecret>>,
    /// The redirect URI registered at the provider, sent exactly so.
    pub redirect_uri: String,
    /// Scopes asked for when a request names none.
    pub scopes: Vec<String>,
    /// Where a browser may be sent after consent: key to URL.
    pub return_to: BTreeMap<String, String>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl ClientRegistration {
    /// The owner part of the place its secret is sealed at.
    pub fn secret_owner(provider: &ProviderName, id: &RegistrationId) -> String {
        format!("{provider}/{id}")
    }

    /// The place its secret is sealed at; `owner` is [`Self::secret_owner`].
    pub fn secret_place<'a>(tenant: &'a TenantId, owner: &'a str) -> Place<'a> {
        Place { tenant: tenant.as_str(), owner, generation: 0 }
    }
}
