//! Working on a rotation of keys: which tenant is next, how far it is, and when it is over.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_crypto::CryptoError;
use tokio_util::sync::CancellationToken;

use super::WrappingKeys;
use crate::error::chain;
use crate::ports::KeyRotationNote;
use crate::{Broker, BrokerError, KeyKind, KeyRotation, KeyRotationState, KeyRotationWalk, TenantId};

/// The pause after each page: what is sealed anew shares the store with those who wait for a token.
const PACE: Duration = Duration::from_millis(20);

/// Heartbeats after which every replica that lives has heard of a new key, or counts as dead.
const HEARD_AFTER: u32 = 4;

/// The rotation this replica worked on last, for whoever watches.
#[derive(Debug, Default)]
pub(crate) struct WorkedOn(Mutex<Option<KeyRotation>>);

/// Why the work on a rotation stops before its end.
#[derive(Debug, thiserror::Error)]
pub(super) enum Stopped {
    /// Another replica has it, or it was ended.
    #[error("the rotation is another replica's, or has ended")]
    Lost,
    /// It is taken up again later.
    #[error(transparent)]
    Failed(#[from] BrokerError),
}

/// A rotation this replica works on.
pub(super) struct Worker<'a> {
    pub(super) broker: &'a Broker,
    pub(super) rotation: KeyRotation,
}

impl Broker {
    /// Hears of keys and works on their rotations until `stop`.
    pub async fn run_keys(self: Arc<Self>, stop: CancellationToken) {
        stop.run_until_cancelled(async {
            tokio::join!(self.hear_again_and_again(), self.work_again_and_again())
        })
        .await;
    }

    /// The rotation of keys this replica worked on last, as far as it is.
    pub fn key_rotation_worked_on(&self) -> Option<KeyRotation> {
        self.worked_on.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn hear_again_and_again(&self) {
        loop {
            self.hear_of_keys().await;
            self.rotate_worn_keys().await;
            self.clock.sleep_until(self.clock.now() + self.timing.heartbeat).await;
        }
    }

    async fn work_again_and_again(&self) {
        loop {
            if !self.work_on_key_rotation().await {
                self.clock.sleep_until(self.clock.now() + self.timing.heartbeat).await;
            }
        }
    }

    /// Takes a rotation that nobody works on and works on it to its end. `false`: there was none, or it stopped.
    pub async fn work_on_key_rotation(&self) -> bool {
        let rotation = match self.claim_key_rotation().await {
            Ok(Some(rotation)) => rotation,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(error = chain(&error), "no key rotation could be looked for");
                return false;
            }
        };
        let id = rotation.id;
        match (Worker { broker: self, rotation }).run().await {
            Ok(()) => true,
            Err(stopped) => {
                tracing::warn!(rotation = %id, error = chain(&stopped), "the work on a key rotation stopped");
                false
            }
        }
    }

    async fn claim_key_rotation(&self) -> Result<Option<KeyRotation>, BrokerError> {
        let primary = match WrappingKeys::present(self.keys.encryption.as_ref()).await {
            Ok(primary) => Some(primary),
            Err(CryptoError::Unavailable(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let now = self.clock.now();
        let silent_since = now - self.timing.death_detection;
        let store = &self.key_store;
        Ok(store.claim_key_rotation(self.incarnation, primary.as_ref(), now, silent_since).await?)
    }
}

impl Worker<'_> {
    async fn run(mut self) -> Result<(), Stopped> {
        tracing::info!(rotation = %self.rotation.id, walk = self.rotation.walk.as_str(), "working on a key rotation");
        if self.rotation.walk == KeyRotationWalk::First {
            if self.rotation.after.is_none() {
                self.rotation.remaining = self.broker.count_for(&self.rotation).await?;
            }
            self.walk().await?;
            self.wait_until_heard().await?;
            self.rotation = KeyRotation { walk: KeyRotationWalk::Last, after: None, ..self.rotation };
        }
        self.walk().await?;
        self.end().await
    }

    async fn walk(&mut self) -> Result<(), Stopped> {
        self.note().await?;
        while let Some(tenant) =
            self.broker.tenant_of_walk(&self.rotation, self.rotation.after.as_ref()).await?
        {
            self.rotate(&tenant).await?;
            self.rotation.after = Some(tenant);
            self.note().await?;
        }
        Ok(self.rewrap_audit_keys().await?)
    }

    async fn rotate(&mut self, tenant: &TenantId) -> Result<(), Stopped> {
        match self.rotation.kind {
            KeyKind::Kek => self.rewrap(tenant).await,
            // Its keys are destroyed soon, or are: nothing is sealed anew for it.
            KeyKind::Dek if self.is_deleting(tenant).await? => Ok(()),
            KeyKind::Dek => match self.reseal(tenant).await {
                // Destroyed under its hands.
                Err(Stopped::Failed(_)) if self.is_deleting(tenant).await? => Ok(()),
                settled => settled,
            },
        }
    }

    async fn is_deleting(&self, tenant: &TenantId) -> Result<bool, Stopped> {
        let deletion = self.broker.deletions.deletion(tenant).await.map_err(BrokerError::from)?;
        Ok(deletion.is_some())
    }

    /// Until every replica seals under the new keys, so that the last walk is the last.
    async fn wait_until_heard(&self) -> Result<(), Stopped> {
        for _ in 0..HEARD_AFTER {
            let clock = &self.broker.clock;
            clock.sleep_until(clock.now() + self.broker.timing.heartbeat).await;
            self.note().await?;
        }
        Ok(())
    }

    /// Says how far it is, and that somebody works on it; and leaves the store to others for a moment.
    pub(super) async fn note(&self) -> Result<(), Stopped> {
        *self.broker.worked_on.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.rotation.clone());
        let noted =
            self.broker.key_store.note_key_rotation(&self.as_note()).await.map_err(BrokerError::from)?;
        if !noted {
            return Err(Stopped::Lost);
        }
        let clock = &self.broker.clock;
        clock.sleep_until(clock.now() + PACE).await;
        Ok(())
    }

    /// Counts values or keys that are done.
    pub(super) fn count_done(&mut self, done: u64) {
        self.rotation.done += done;
        self.rotation.remaining = self.rotation.remaining.saturating_sub(done);
    }

    async fn end(mut self) -> Result<(), Stopped> {
        let state = match self.rotation.failed {
            0 => KeyRotationState::Succeeded,
            _ => KeyRotationState::Failed,
        };
        self.rotation.remaining = 0;
        let ended = self.broker.key_store.end_key_rotation(&self.as_note(), state).await;
        if !ended.map_err(BrokerError::from)? {
            return Err(Stopped::Lost);
        }
        self.rotation = KeyRotation { state, ended_at: Some(self.broker.clock.now()), ..self.rotation };
        log_end(&self.rotation);
        *self.broker.worked_on.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(self.rotation);
        Ok(())
    }

    fn as_note(&self) -> KeyRotationNote {
        let (owner, at) = (self.broker.incarnation, self.broker.clock.now());
        KeyRotationNote { rotation: self.rotation.clone(), owner, at }
    }
}

fn log_end(rotation: &KeyRotation) {
    let (tenant, target) =
        (rotation.tenant.as_ref().map(TenantId::as_str), rotation.target.as_ref().map(ToString::to_string));
    let (kind, done, failed) = (rotation.kind.as_str(), rotation.done, rotation.failed);
    match rotation.state {
        KeyRotationState::Succeeded => {
            tracing::info!(event = "key.rotated", rotation = %rotation.id, kind, tenant, target, done, "keys rotated");
        }
        _ => tracing::error!(
            rotation = %rotation.id, kind, tenant, target, done, failed,
            "keys were rotated, but some values do not open: the old keys must stay"
        ),
    }
}
