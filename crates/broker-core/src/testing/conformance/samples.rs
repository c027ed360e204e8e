//! Keys, registrations and token sets to test with.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::time::Duration;

use broker_crypto::Sealed;

use crate::ports::{GrantAfter, RegistrationKey};
use crate::schedule::GrantEnd;
use crate::{
    AccountLabel, Actor, AuditAction, AuditRecord, ClientRegistration, Generation, GrantKey, Lifecycle,
    Phase, Principal, ProviderName, Quotas, RegisteredSecret, RegistrationId, RowVersion, SealedTokenSet,
    SecretId, Tenant, TenantId, TenantQuotas, Timestamp, UserId,
};

/// The present of every case.
pub const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
/// The life of an access token here, and a long while in every case.
pub const HOUR: Duration = Duration::from_secs(3600);
pub(super) const SECOND: Duration = Duration::from_secs(1);

pub fn tenant_id(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

/// What every store under test is opened with: [`SMALL`] may have little.
pub fn quotas() -> Quotas {
    let two = NonZeroU32::new(2).unwrap();
    let little = TenantQuotas {
        grants: two,
        client_registrations: two,
        pending_authorizations: two,
        access_policies: two,
        webhooks: two,
    };
    Quotas::new(TenantQuotas::default(), BTreeMap::from([(tenant_id(SMALL), little)]))
}

/// A tenant that may have two of everything.
pub(super) const SMALL: &str = "small";

pub fn provider() -> ProviderName {
    provider_named("evercam")
}

pub(super) fn provider_named(name: &str) -> ProviderName {
    ProviderName::new(name).unwrap()
}

pub(super) fn registration_id() -> RegistrationId {
    RegistrationId::new("main").unwrap()
}

pub fn key_at(tenant: &str, provider: &str, user: &str) -> GrantKey {
    GrantKey {
        tenant: tenant_id(tenant),
        provider: provider_named(provider),
        user: UserId::new(user).unwrap(),
        account: AccountLabel::default_label(),
    }
}

pub fn key_of(tenant: &str, user: &str) -> GrantKey {
    key_at(tenant, "evercam", user)
}

/// A grant of the tenant every world has.
pub fn key(user: &str) -> GrantKey {
    key_of("acme", user)
}

pub fn registration(tenant: &str, id: &str, created_at: Timestamp) -> ClientRegistration {
    ClientRegistration {
        tenant: tenant_id(tenant),
        provider: provider(),
        id: RegistrationId::new(id).unwrap(),
        client_id: format!("client-of-{tenant}"),
        secrets: vec![registered_secret(1, created_at)],
        secrets_made: 1,
        redirect_uri: "https://broker.example/callback".to_owned(),
        scopes: vec!["cameras:read".to_owned(), "offline_access".to_owned()],
        grant_window: None,
        allow_device_authorization: true,
        return_to: BTreeMap::from([("app".to_owned(), "https://app.example/?a=\"1\"".to_owned())]),
        rejected: false,
        created_at,
        updated_at: created_at,
        version: RowVersion::first(created_at),
    }
}

/// A secret whose "envelope" names its number.
pub(super) fn registered_secret(number: u32, created_at: Timestamp) -> RegisteredSecret {
    RegisteredSecret {
        id: SecretId::new(number).unwrap(),
        sealed: Sealed::from_bytes(format!("sealed secret {number}").into_bytes()),
        created_at,
        last_accepted_at: None,
        refused_at: None,
    }
}

/// Names a registration of the usual tenant at the usual provider.
pub(super) fn registration_key(id: &str) -> RegistrationKey {
    RegistrationKey { tenant: tenant_id("acme"), provider: provider(), id: RegistrationId::new(id).unwrap() }
}

/// Who does everything here that a caller does.
pub fn actor() -> Actor {
    Actor::caller(
        Principal::new("dev:operator").unwrap(),
        AuditAction::named("tokenbroker.v1.TestService/Do"),
    )
}

/// What that caller did, whatever it was.
pub fn record() -> AuditRecord {
    actor().did(None, NOW)
}

/// A tenant without keys.
pub(super) fn tenant(name: &str) -> Tenant {
    Tenant {
        id: tenant_id(name),
        display_name: name.to_uppercase(),
        keys: Vec::new(),
        created_at: NOW,
        updated_at: NOW,
        version: RowVersion::first(NOW),
    }
}

/// A token set whose "envelopes" name their generation.
pub fn tokens(generation: u64, refresh_token: bool) -> SealedTokenSet {
    SealedTokenSet {
        generation: Generation::new(generation),
        access_token: Sealed::from_bytes(format!("access {generation}").into_bytes()),
        refresh_token: refresh_token
            .then(|| Sealed::from_bytes(format!("refresh {generation}").into_bytes())),
        token_type: "Bearer".to_owned(),
        scopes: vec!["cameras:read".to_owned()],
        api_base_url: None,
        issued_at: NOW,
        expires_at: NOW + HOUR,
        end: GrantEnd { dies_at: None, authorization_ends_at: None, refresh_token_timeout: None },
        first_notice_at: None,
        due_at: Some(NOW + HOUR / 2),
    }
}

/// An active grant with nothing wrong, in `phase`, due at once.
pub fn after(phase: Phase, tainted: bool) -> GrantAfter {
    GrantAfter { lifecycle: Lifecycle::Active, phase, tainted, due_at: Some(NOW), failure: None }
}
