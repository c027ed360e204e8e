//! The audit records of what a store changes by itself, apart from those about one grant.
//!
//! A store writes them in the transaction of the change, and only if it took place.

use broker_crypto::{DekId, KekId};

use super::RegistrationKey;
use crate::{
    Actor, AuditAction, AuditRecord, KeyRotationId, KeyRotationState, ProviderName, SecretId, TenantId,
    Timestamp,
};

/// A rotation of keys ended so.
pub fn key_rotation_ended(
    id: KeyRotationId,
    tenant: Option<&TenantId>,
    state: KeyRotationState,
    at: Timestamp,
) -> AuditRecord {
    let resource = format!("key_rotations/{id}/{}", state.as_str());
    Actor::broker(AuditAction::ROTATE_KEYS).did(tenant, at).resource(resource)
}

/// A data key took over.
pub fn data_key_added(tenant: &TenantId, id: DekId, at: Timestamp) -> AuditRecord {
    Actor::broker(AuditAction::ADD_DATA_KEY).did(Some(tenant), at).resource(format!("keys/{id}"))
}

/// Another key encryption key is primary.
pub fn primary_kek_changed(id: &KekId, at: Timestamp) -> AuditRecord {
    Actor::broker(AuditAction::CHANGE_PRIMARY_KEK).did(None, at).resource(format!("keys/{}", id.as_str()))
}

/// The data keys of a deleted tenant were destroyed.
pub fn keys_destroyed(tenant: &TenantId, at: Timestamp) -> AuditRecord {
    Actor::broker(AuditAction::DESTROY_KEYS).did(Some(tenant), at)
}

/// The breaker of a provider opened.
pub fn breaker_opened(provider: &ProviderName, at: Timestamp) -> AuditRecord {
    Actor::broker(AuditAction::OPEN_BREAKER).did(None, at).at_provider(provider)
}

/// The provider refuses a registration, or accepts it again.
pub fn registration(action: AuditAction, key: &RegistrationKey, at: Timestamp) -> AuditRecord {
    Actor::broker(action)
        .did(Some(&key.tenant), at)
        .at_provider(&key.provider)
        .resource(format!("registrations/{}/{}", key.provider, key.id))
}

/// The provider refuses a secret, or accepts it again.
pub fn secret(action: AuditAction, key: &RegistrationKey, secret: SecretId, at: Timestamp) -> AuditRecord {
    let record = registration(action, key, at);
    let resource = format!("{}/secrets/{secret}", record.resource);
    record.resource(resource)
}
