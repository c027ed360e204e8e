//! Keys as the store knows them, and their rotations.

use async_trait::async_trait;
use broker_crypto::{DekId, KekId, KeyPurpose, WrappedDek};

use super::StoreError;
use crate::{AuditRecord, IncarnationId, KeyRotation, KeyRotationId, KeyRotationState, TenantId, Timestamp};

/// A data key as the store knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataKey {
    /// The tenant whose data it protects.
    pub tenant: TenantId,
    /// Its number among the tenant's keys; the newest of a purpose has the highest.
    pub number: u64,
    /// Its id.
    pub id: DekId,
    /// What it seals.
    pub purpose: KeyPurpose,
    /// The envelope around it; `None` once it is retired.
    pub envelope: Option<Vec<u8>>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a newer key of its purpose took over.
    pub superseded_at: Option<Timestamp>,
    /// When it was destroyed.
    pub retired_at: Option<Timestamp>,
}

impl DataKey {
    /// Its wrapped form; `None` once it is retired.
    pub fn wrapped(&self) -> Option<WrappedDek> {
        let envelope = self.envelope.clone()?;
        Some(WrappedDek { id: self.id, purpose: self.purpose, envelope })
    }

    /// The key encryption key it is wrapped under.
    pub fn wrapping_key(&self) -> Option<KekId> {
        self.wrapped()?.wrapping_key()
    }
}

/// Which data keys to read, in the order of tenants and numbers.
#[derive(Debug, Clone, Default)]
pub struct DataKeyQuery {
    /// Only those of this tenant.
    pub tenant: Option<TenantId>,
    /// Only those after this tenant's key of this number.
    pub after: Option<(TenantId, u64)>,
    /// At most this many.
    pub limit: u32,
}

/// A data key that was made or retired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The key.
    pub id: DekId,
    /// Whether it was retired.
    pub retired: bool,
}

/// A key encryption key the store has met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownKek {
    /// Its name.
    pub id: KekId,
    /// When it was first a primary.
    pub created_at: Timestamp,
    /// When another became primary.
    pub superseded_at: Option<Timestamp>,
    /// When an operator retired it.
    pub retired_at: Option<Timestamp>,
}

/// How far a rotation of keys is, as its owner notes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRotationNote {
    /// The rotation with its present counts and place.
    pub rotation: KeyRotation,
    /// The replica that works on it.
    pub owner: IncarnationId,
    /// Now.
    pub at: Timestamp,
}

/// Keys and their rotations.
#[async_trait]
pub trait KeyStore: Send + Sync {
    /// Data keys made or retired at or after `since`.
    async fn changed_keys(&self, since: Timestamp) -> Result<Vec<ChangedKey>, StoreError>;

    /// A page of data keys.
    async fn data_keys(&self, query: &DataKeyQuery) -> Result<Vec<DataKey>, StoreError>;

    /// The data key of that id.
    async fn data_key(&self, id: DekId) -> Result<Option<DataKey>, StoreError>;

    /// The tenant after that one, in the order of their ids.
    async fn tenant_after(&self, tenant: Option<&TenantId>) -> Result<Option<TenantId>, StoreError>;

    /// Adds a data key, which seals from now on. `false`: the rotation has made one of this purpose before, or
    /// the tenant is being deleted.
    async fn add_data_key(
        &self,
        tenant: &TenantId,
        key: &WrappedDek,
        rotation: KeyRotationId,
        at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Exchanges a data key's envelope, if it still is `before`.
    async fn rewrap_data_key(
        &self,
        tenant: &TenantId,
        before: &WrappedDek,
        after: &WrappedDek,
    ) -> Result<bool, StoreError>;

    /// Erases a superseded data key's envelope, in one step with the check that nothing is sealed under it. `false`:
    /// something is, or it is not superseded, or it was retired before.
    async fn retire_data_key(
        &self,
        tenant: &TenantId,
        id: DekId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError>;

    /// Notes the key that wraps new data keys.
    async fn note_primary_kek(&self, id: &KekId, at: Timestamp) -> Result<(), StoreError>;

    /// Every key encryption key the store has met.
    async fn known_keks(&self) -> Result<Vec<KnownKek>, StoreError>;

    /// How many data keys that key wraps.
    async fn wrapped_under(&self, id: &KekId) -> Result<u64, StoreError>;

    /// Marks a key encryption key retired, in one step with the check that it wraps nothing and is not primary.
    async fn retire_kek(&self, id: &KekId, at: Timestamp, record: &AuditRecord) -> Result<bool, StoreError>;

    /// Keeps a new rotation, unless one with the same kind, scope and target is running: that one is answered. One to
    /// another target ends FAILED. Only a new one has a record.
    async fn start_key_rotation(
        &self,
        rotation: &KeyRotation,
        record: &AuditRecord,
    ) -> Result<KeyRotation, StoreError>;

    /// The rotation of that id.
    async fn key_rotation(&self, id: KeyRotationId) -> Result<Option<KeyRotation>, StoreError>;

    /// Rotations, newest first, begun before the one named.
    async fn key_rotations(
        &self,
        before: Option<KeyRotationId>,
        limit: u32,
    ) -> Result<Vec<KeyRotation>, StoreError>;

    /// Takes the oldest running rotation that nobody works on: its owner's last note lies before `silent_since`, or it
    /// has none. Of key encryption keys only those to `primary`: another replica may not hold the target.
    async fn claim_key_rotation(
        &self,
        owner: IncarnationId,
        primary: Option<&KekId>,
        at: Timestamp,
        silent_since: Timestamp,
    ) -> Result<Option<KeyRotation>, StoreError>;

    /// Notes how far a rotation is. `false`: it is another replica's by now, or has ended.
    async fn note_key_rotation(&self, note: &KeyRotationNote) -> Result<bool, StoreError>;

    /// Ends a rotation. `false`: as for [`KeyStore::note_key_rotation`].
    async fn end_key_rotation(
        &self,
        note: &KeyRotationNote,
        state: KeyRotationState,
    ) -> Result<bool, StoreError>;
}
