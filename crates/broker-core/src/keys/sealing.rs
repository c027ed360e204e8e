//! Rights to seal: reserved in the store before they are used, block by block, and counted down here.
//!
//! Whatever ends with an unused block was counted all the same, so that a key's count is never too low.

use broker_crypto::{
    CryptoError, DataEncryptionKey, DekId, KeyPurpose, MOST_SEALS, SEALS_FOR_NEW_WORK, SMALLEST_BLOCK,
    SealRight, TenantKeys, WEARING_OUT,
};
use tokio::sync::{Mutex, MutexGuard};

use super::TenantKeyCache;
use crate::ports::StoreError;
use crate::{BrokerError, TenantId};

const TURNS: usize = 64;

/// What is sealed, as far as the last seals of a key are concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SealFor {
    /// Something that can be refused: a claim, a consent, a client secret.
    NewWork,
    /// What came of work that had begun: it exists nowhere else.
    BegunWork,
}

/// Of many who find the same key's block used up, one reserves the next and the others wait for it.
pub(crate) struct Turns([Mutex<()>; TURNS]);

impl Default for Turns {
    fn default() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }
}

impl Turns {
    async fn of(&self, key: DekId) -> MutexGuard<'_, ()> {
        self.0[usize::from(key.as_bytes()[15]) % TURNS].lock().await
    }
}

impl TenantKeyCache {
    /// The right to seal one value under the newest key of `purpose`: from memory, or with one write of the store for each
    /// block. The inner error is the keys', and final: [`CryptoError::Exhausted`] or [`CryptoError::NoKey`].
    pub(crate) async fn right_to_seal(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        purpose: KeyPurpose,
        work: SealFor,
    ) -> Result<Result<SealRight, CryptoError>, StoreError> {
        loop {
            let key = match keys.newest(purpose) {
                Ok(key) => key,
                Err(none) => return Ok(Err(none)),
            };
            if work == SealFor::NewWork && key.seals_counted() > SEALS_FOR_NEW_WORK {
                return Ok(Err(exhausted(&key)));
            }
            if let Some(right) = key.take_seal() {
                return Ok(Ok(right));
            }
            let _turn = self.turns.of(key.id()).await;
            if key.seals_left() == 0
                && let Err(refused) = self.reserve_block(tenant, &key, work).await?
            {
                return Ok(Err(refused));
            }
        }
    }

    /// The right to seal something new.
    pub(crate) async fn right_to_new(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
        purpose: KeyPurpose,
    ) -> Result<SealRight, BrokerError> {
        Ok(self.right_to_seal(tenant, keys, purpose, SealFor::NewWork).await??)
    }

    /// The right to seal a provider's answer, asked for before the provider is. What may come of the answer can be sealed
    /// too, or nothing is begun.
    pub(crate) async fn right_to_answer(
        &self,
        tenant: &TenantId,
        keys: &TenantKeys,
    ) -> Result<SealRight, BrokerError> {
        self.right_to_new(tenant, keys, KeyPurpose::Access).await?;
        self.right_to_new(tenant, keys, KeyPurpose::Rotation).await
    }

    async fn reserve_block(
        &self,
        tenant: &TenantId,
        key: &DataEncryptionKey,
        work: SealFor,
    ) -> Result<Result<(), CryptoError>, StoreError> {
        let last = match work {
            SealFor::NewWork => SEALS_FOR_NEW_WORK,
            SealFor::BegunWork => MOST_SEALS,
        };
        for (size, up_to) in [(key.next_block(), SEALS_FOR_NEW_WORK), (SMALLEST_BLOCK, last)] {
            if let Some(counted) = self.store.reserve_seals(tenant, key.id(), size, up_to).await? {
                key.add_seals(size, counted);
                self.note_wear(tenant, key.id(), counted);
                return Ok(Ok(()));
            }
        }
        let kept = self.store.data_key(key.id()).await?.is_some_and(|key| key.envelope.is_some());
        Ok(Err(if kept { exhausted(key) } else { CryptoError::NoKey(key.purpose().as_str()) }))
    }

    fn note_wear(&self, tenant: &TenantId, key: DekId, counted: u64) {
        if counted >= WEARING_OUT && self.worn.note(tenant, key) {
            tracing::warn!(
                event = "key.wearing_out", %tenant, %key, counted, most = MOST_SEALS,
                "a data key has sealed half of what it may; the tenant's data keys are rotated"
            );
        }
    }
}

fn exhausted(key: &DataEncryptionKey) -> CryptoError {
    CryptoError::Exhausted(key.id().to_string())
}
