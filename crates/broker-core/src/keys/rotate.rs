//! Asking for a rotation of keys, and looking at it.

use super::WrappingKeys;
use crate::administer::id_reused;
use crate::ports::{DataKeyQuery, RotationStart};
use crate::{
    Actor, Broker, BrokerError, KeyKind, KeyRotation, KeyRotationId, KeyRotationState, KeyRotationWalk,
    RequestId, TenantId,
};

impl Broker {
    /// Starts a rotation of the keys of `tenant`, or of every tenant. One like it that is running is answered
    /// instead; a repeated request answers the rotation it had come to.
    pub async fn rotate_keys(
        &self,
        kind: KeyKind,
        tenant: Option<TenantId>,
        request: Option<RequestId>,
        by: &Actor,
    ) -> Result<KeyRotation, BrokerError> {
        let planned = self.plan(kind, tenant).await?;
        let scope = planned.tenant.as_ref().map_or("*", TenantId::as_str);
        let request = self.mark(request, "RotateKeys", &[kind.as_str(), scope]);
        let record = by.did(planned.tenant.as_ref(), planned.created_at);
        let record = record.resource(format!("key_rotations/{} {}", planned.id, kind.as_str()));
        let started = self.key_store.start_key_rotation(&planned, request.as_ref(), &record).await?;
        let rotation = match started {
            RotationStart::Kept(rotation) => rotation,
            RotationStart::IdReused => return Err(id_reused()),
        };
        tracing::info!(
            rotation = %rotation.id, kind = rotation.kind.as_str(), tenant = rotation.tenant.as_ref().map(TenantId::as_str),
            target = rotation.target.as_ref().map(ToString::to_string), "key rotation asked for"
        );
        Ok(rotation)
    }

    /// What a rotation would do, counted and not done. The more is sealed, the longer it takes.
    pub async fn plan_key_rotation(
        &self,
        kind: KeyKind,
        tenant: Option<TenantId>,
    ) -> Result<KeyRotation, BrokerError> {
        let planned = self.plan(kind, tenant).await?;
        Ok(KeyRotation { remaining: self.count_for(&planned).await?, ..planned })
    }

    /// The rotation of that id.
    pub async fn key_rotation(&self, id: KeyRotationId) -> Result<KeyRotation, BrokerError> {
        self.key_store.key_rotation(id).await?.ok_or(BrokerError::KeyRotationNotFound)
    }

    /// The rotation of that id, if it is one of that tenant's keys alone: another looks as if there were none.
    pub async fn key_rotation_of(
        &self,
        tenant: &TenantId,
        id: KeyRotationId,
    ) -> Result<KeyRotation, BrokerError> {
        let found = self.key_rotation(id).await?;
        if found.tenant.as_ref() == Some(tenant) { Ok(found) } else { Err(BrokerError::KeyRotationNotFound) }
    }

    /// Rotations, newest first, begun before the one named.
    pub async fn key_rotations(
        &self,
        before: Option<KeyRotationId>,
        limit: u32,
    ) -> Result<Vec<KeyRotation>, BrokerError> {
        Ok(self.key_store.key_rotations(before, limit).await?)
    }

    async fn plan(&self, kind: KeyKind, tenant: Option<TenantId>) -> Result<KeyRotation, BrokerError> {
        if let Some(tenant) = &tenant {
            self.tenants.tenant(tenant).await?.ok_or(BrokerError::TenantNotFound)?;
            self.refuse_if_deleting(tenant).await?;
        }
        let target = match kind {
            KeyKind::Kek => Some(WrappingKeys::present_now(self.keys.encryption.as_ref()).await?),
            KeyKind::Dek => None,
        };
        let now = self.clock.now();
        Ok(KeyRotation {
            id: KeyRotationId::generate(now, self.entropy.as_ref()),
            kind,
            tenant,
            target,
            state: KeyRotationState::Running,
            walk: KeyRotationWalk::First,
            after: None,
            done: 0,
            remaining: 0,
            failed: 0,
            created_at: now,
            ended_at: None,
        })
    }

    /// How much a rotation has to do.
    pub(super) async fn count_for(&self, rotation: &KeyRotation) -> Result<u64, BrokerError> {
        let mut count = self.count_audit_keys(rotation).await?;
        let mut done = None;
        while let Some(tenant) = self.tenant_of_walk(rotation, done.as_ref()).await? {
            count += match &rotation.target {
                Some(target) => self.count_wrapped_otherwise(&tenant, target).await?,
                None if self.deletions.deletion(&tenant).await?.is_some() => 0,
                None => self.count_sealed(&tenant).await?.values().sum(),
            };
            done = Some(tenant);
        }
        Ok(count)
    }

    /// The tenant that a walk comes to after `done`.
    pub(super) async fn tenant_of_walk(
        &self,
        rotation: &KeyRotation,
        done: Option<&TenantId>,
    ) -> Result<Option<TenantId>, BrokerError> {
        match &rotation.tenant {
            Some(only) => Ok(Some(only.clone()).filter(|_| done.is_none())),
            None => Ok(self.key_store.tenant_after(done).await?),
        }
    }

    async fn count_wrapped_otherwise(
        &self,
        tenant: &TenantId,
        target: &WrappingKeys,
    ) -> Result<u64, BrokerError> {
        let query = DataKeyQuery { tenant: Some(tenant.clone()), after: None, limit: u32::MAX };
        let keys = self.key_store.data_keys(&query).await?;
        let otherwise = keys.iter().filter(|key| {
            key.envelope.is_some() && key.wrapping_key().as_ref() != Some(target.wrapping(key.purpose))
        });
        Ok(otherwise.count() as u64)
    }
}
