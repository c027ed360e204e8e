//! Changes of tenants and registrations, and what became of them.

use std::collections::BTreeMap;

use super::RequestMark;
use crate::{
    ClientRegistration, GrantWindow, ProviderName, RegisteredSecret, RegistrationId, RowVersion, SecretId,
    TenantId, Timestamp,
};

/// Names one registration, tenant first.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegistrationKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The provider.
    pub provider: ProviderName,
    /// Its name there.
    pub id: RegistrationId,
}

impl RegistrationKey {
    /// The key of a registration.
    pub fn of(registration: &ClientRegistration) -> Self {
        Self {
            tenant: registration.tenant.clone(),
            provider: registration.provider.clone(),
            id: registration.id.clone(),
        }
    }

    /// How records name the registration.
    pub(crate) fn resource(&self) -> String {
        format!("registrations/{}/{}", self.provider, self.id)
    }

    /// How records name one of its secrets.
    pub(crate) fn secret_resource(&self, secret: SecretId) -> String {
        format!("{}/secrets/{secret}", self.resource())
    }
}

/// Changes a tenant.
#[derive(Debug, Clone)]
pub struct TenantChange {
    /// The tenant.
    pub id: TenantId,
    /// Its new name for people.
    pub display_name: String,
    /// The version the change was made for; `None` changes whatever is there.
    pub expected: Option<RowVersion>,
    /// Now.
    pub at: Timestamp,
}

/// Changes a registration; an absent field stays as it is.
#[derive(Debug, Clone)]
pub struct RegistrationChange {
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
    /// As in [`TenantChange::expected`].
    pub expected: Option<RowVersion>,
    /// Now.
    pub at: Timestamp,
}

/// What became of a change or a deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// It was made.
    Changed,
    /// There is no such resource.
    Absent,
    /// The resource has another version than the one expected.
    Stale,
    /// Something still needs what was to go.
    InUse,
}

/// Adds a secret to a registration. Where the registration rests, its canary may then be claimed at once.
#[derive(Debug, Clone)]
pub struct NewSecret {
    /// The registration.
    pub key: RegistrationKey,
    /// The secret, sealed for the number after the last one given.
    pub secret: RegisteredSecret,
    /// To be tried before the others instead of after them.
    pub prefer: bool,
    /// At most so many secrets in all.
    pub most: u32,
    /// The caller's request, if it may be repeated.
    pub request: Option<RequestMark>,
}

/// What became of adding a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretOutcome {
    /// It was added.
    Added,
    /// There is no such registration.
    Absent,
    /// It is not the number after the last one given any more: seal the secret for another.
    NumberTaken,
    /// The registration has as many as it may have.
    Full,
    /// The same request has added this one before.
    Repeated(SecretId),
    /// The request's id was used for another request.
    IdReused,
}

/// Erases a secret. Where the registration rests, its canary may then be claimed at once.
#[derive(Debug, Clone)]
pub struct SecretRetirement {
    /// The registration.
    pub key: RegistrationKey,
    /// The secret.
    pub secret: SecretId,
    /// As in [`TenantChange::expected`].
    pub expected: Option<RowVersion>,
    /// Now.
    pub at: Timestamp,
}

/// What became of retiring a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RetireOutcome {
    /// It is gone.
    Retired,
    /// There is no such registration.
    Absent,
    /// The registration has no such secret.
    NoSuchSecret,
    /// The registration has another version than the one expected.
    Stale,
    /// It is the last one.
    Last,
}
