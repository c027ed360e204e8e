//! Keys, and their rotations.

mod audit_keys;
mod data_keys;
mod keks;
mod rotations;

pub(crate) use audit_keys::insert as insert_audit_key;

use async_trait::async_trait;
use broker_core::ports::{
    ChangedKey, DataKey, DataKeyQuery, KeyRotationNote, KeyStore, KnownKek, RequestMark, RotationStart,
    StoreError,
};
use broker_core::{
    AuditRecord, IncarnationId, KeyRotation, KeyRotationId, KeyRotationState, TenantId, Timestamp,
    WrappingKeys,
};
use broker_crypto::{DekId, KekId, WrappedDek};

use crate::SqliteStore;
use crate::audit;
use crate::operation::failed;

#[async_trait]
impl KeyStore for SqliteStore {
    async fn changed_keys(&self, since: Timestamp) -> Result<Vec<ChangedKey>, StoreError> {
        self.operation("changed_keys", data_keys::changed(&self.readers, since)).await
    }

    async fn data_keys(&self, query: &DataKeyQuery) -> Result<Vec<DataKey>, StoreError> {
        self.operation("data_keys", data_keys::page(&self.readers, query)).await
    }

    async fn data_key(&self, id: DekId) -> Result<Option<DataKey>, StoreError> {
        self.operation("data_key", data_keys::read(&self.readers, id)).await
    }

    async fn tenant_after(&self, tenant: Option<&TenantId>) -> Result<Option<TenantId>, StoreError> {
        self.operation("tenant_after", data_keys::tenant_after(&self.readers, tenant)).await
    }

    async fn add_data_key(
        &self,
        tenant: &TenantId,
        key: &WrappedDek,
        rotation: KeyRotationId,
        at: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("add_data_key", async {
            let mut tx = self.write().await?;
            let added = data_keys::add(&mut tx, tenant, key, rotation, at).await?;
            tx.commit().await.map_err(failed)?;
            Ok(added)
        })
        .await
    }

    async fn reserve_seals(
        &self,
        tenant: &TenantId,
        id: DekId,
        seals: u64,
        up_to: u64,
    ) -> Result<Option<u64>, StoreError> {
        self.operation("reserve_seals", data_keys::reserve(&self.writer, tenant, id, seals, up_to)).await
    }

    async fn rewrap_data_key(
        &self,
        tenant: &TenantId,
        before: &WrappedDek,
        after: &WrappedDek,
    ) -> Result<bool, StoreError> {
        self.operation("rewrap_data_key", data_keys::rewrap(&self.writer, tenant, before, after)).await
    }

    async fn retire_data_key(
        &self,
        tenant: &TenantId,
        id: DekId,
        at: Timestamp,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("retire_data_key", async {
            let mut tx = self.write().await?;
            let retired = data_keys::retire(&mut tx, tenant, id, at).await?;
            if retired {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(retired)
        })
        .await
    }

    async fn note_primary_keks(&self, ids: &[KekId], at: Timestamp) -> Result<(), StoreError> {
        self.operation("note_primary_keks", async {
            let mut tx = self.write().await?;
            keks::note_primaries(&mut tx, ids, at).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn known_keks(&self) -> Result<Vec<KnownKek>, StoreError> {
        self.operation("known_keks", keks::known(&self.readers)).await
    }

    async fn wrapped_under(&self, id: &KekId) -> Result<u64, StoreError> {
        self.operation("wrapped_under", keks::wrapped_under(&self.readers, id)).await
    }

    async fn retire_kek(&self, id: &KekId, at: Timestamp, record: &AuditRecord) -> Result<bool, StoreError> {
        self.operation("retire_kek", async {
            let mut tx = self.write().await?;
            let retired = keks::retire(&mut tx, id, at).await?;
            if retired {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(retired)
        })
        .await
    }

    async fn keep_audit_key(&self, key: &WrappedDek, at: Timestamp) -> Result<WrappedDek, StoreError> {
        self.operation("keep_audit_key", audit_keys::keep(&self.writer, key, at)).await
    }

    async fn audit_keys(&self) -> Result<Vec<WrappedDek>, StoreError> {
        self.operation("audit_keys", audit_keys::all(&self.readers)).await
    }

    async fn rewrap_audit_key(&self, before: &WrappedDek, after: &WrappedDek) -> Result<bool, StoreError> {
        self.operation("rewrap_audit_key", audit_keys::rewrap(&self.writer, before, after)).await
    }

    async fn start_key_rotation(
        &self,
        rotation: &KeyRotation,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<RotationStart, StoreError> {
        self.operation("start_key_rotation", async {
            let mut tx = self.write().await?;
            let started = rotations::start(&mut tx, rotation, request, record).await?;
            tx.commit().await.map_err(failed)?;
            Ok(started)
        })
        .await
    }

    async fn key_rotation(&self, id: KeyRotationId) -> Result<Option<KeyRotation>, StoreError> {
        self.operation("key_rotation", rotations::read(&self.readers, id)).await
    }

    async fn key_rotations(
        &self,
        before: Option<KeyRotationId>,
        limit: u32,
    ) -> Result<Vec<KeyRotation>, StoreError> {
        self.operation("key_rotations", rotations::page(&self.readers, before, limit)).await
    }

    async fn claim_key_rotation(
        &self,
        owner: IncarnationId,
        primary: Option<&WrappingKeys>,
        at: Timestamp,
        silent_since: Timestamp,
    ) -> Result<Option<KeyRotation>, StoreError> {
        let claim = rotations::claim(&self.writer, owner, primary, at, silent_since);
        self.operation("claim_key_rotation", claim).await
    }

    async fn note_key_rotation(&self, note: &KeyRotationNote) -> Result<bool, StoreError> {
        self.operation("note_key_rotation", rotations::note(&self.writer, note, KeyRotationState::Running))
            .await
    }

    async fn end_key_rotation(
        &self,
        note: &KeyRotationNote,
        state: KeyRotationState,
    ) -> Result<bool, StoreError> {
        self.operation("end_key_rotation", async {
            let mut tx = self.write().await?;
            let ended = rotations::end(&mut tx, note, state).await?;
            tx.commit().await.map_err(failed)?;
            Ok(ended)
        })
        .await
    }
}
