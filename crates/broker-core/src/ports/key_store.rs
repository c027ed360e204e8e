//! Keys as the store knows them, and their rotations.

use async_trait::async_trait;
use broker_crypto::{DekId, KekId, KeyPurpose, WrappedDek};

use super::{RequestMark, StoreError};
use crate::{
    AuditRecord, IncarnationId, KeyRotation, KeyRotationId, KeyRotationState, TenantId, Timestamp,
    WrappingKeys,
};

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
    /// How many values it has sealed, counted in blocks ahead of use: never too few.
    pub sealed: u64,
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

/// What became of the wish for a rotation of keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RotationStart {
    /// This rotation is the one asked for, be it new or not.
    Kept(KeyRotation),
    /// The request's id was used for another request.
    IdReused,
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

    /// Raises a data key's count by `seals`, durably and in one step, unless that would bring it beyond `up_to`: then, or
    /// where the key is gone, `None`. Answers the count, which no two callers see alike.
    async fn reserve_seals(
        &self,
        tenant: &TenantId,
        id: DekId,
        seals: u64,
        up_to: u64,
    ) -> Result<Option<u64>, StoreError>;

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

    /// Notes the keys that wrap new data keys. Any other is superseded.
    async fn note_primary_keks(&self, ids: &[KekId], at: Timestamp) -> Result<(), StoreError>;

    /// Every key encryption key the store has met.
    async fn known_keks(&self) -> Result<Vec<KnownKek>, StoreError>;

    /// How many data keys and keys of the audit log that key wraps.
    async fn wrapped_under(&self, id: &KekId) -> Result<u64, StoreError>;

    /// Marks a key encryption key retired, in one step with the check that it wraps nothing and is not primary.
    async fn retire_kek(&self, id: &KekId, at: Timestamp, record: &AuditRecord) -> Result<bool, StoreError>;

    /// Keeps a key of the audit log, unless there is one of its purpose. Answers the one there is.
    async fn keep_audit_key(&self, key: &WrappedDek, at: Timestamp) -> Result<WrappedDek, StoreError>;

    /// The keys of the audit log, wrapped.
    async fn audit_keys(&self) -> Result<Vec<WrappedDek>, StoreError>;

    /// Exchanges the envelope of a key of the audit log, if it still is `before`.
    async fn rewrap_audit_key(&self, before: &WrappedDek, after: &WrappedDek) -> Result<bool, StoreError>;

    /// Keeps a new rotation, unless one with the same kind, scope and target is running: that one is answered. One to
    /// another target ends FAILED. A repeated request answers the rotation it had come to, even one that has ended. Only
    /// a new one has a record.
    async fn start_key_rotation(
        &self,
        rotation: &KeyRotation,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<RotationStart, StoreError>;

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
        primary: Option<&WrappingKeys>,
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
