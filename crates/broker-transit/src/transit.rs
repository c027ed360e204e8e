//! Key encryption keys that are the versions of one transit key.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::Clock;
use broker_crypto::{
    CryptoError, DekMaterial, KekId, KeyEncryption, WrappingPlace, service_answer, service_envelope,
    wrapping_key,
};
use broker_egress::Egress;
use tokio::sync::Semaphore;

use crate::client::Client;
use crate::name::version_of;
use crate::outage::{Outage, REST};
use crate::versions::Versions;
use crate::{Address, Failure, KeyName, Login};

/// Calls in flight at most.
const MOST_CALLS: usize = 16;

/// The versions of a transit key. The newest wraps, all that the engine still opens unwrap.
pub struct Transit {
    name: KeyName,
    client: Client,
    clock: Arc<dyn Clock>,
    calls: Semaphore,
    outage: Outage,
    versions: Versions,
    /// Held while the newest version is asked for: of many one asks.
    looking: tokio::sync::Mutex<()>,
}

impl Transit {
    /// The key at `address`. Asks nobody yet.
    pub fn new(address: Address, login: Login, egress: Egress, clock: Arc<dyn Clock>) -> Self {
        Self {
            name: address.key().clone(),
            client: Client::new(address, login, egress, clock.clone()),
            clock,
            calls: Semaphore::new(MOST_CALLS),
            outage: Outage::default(),
            versions: Versions::default(),
            looking: tokio::sync::Mutex::default(),
        }
    }

    /// Waits until the key can be used. Fails with what is wrong after `within`, or at once if waiting does not help.
    pub async fn wait_until_usable(&self, within: Duration) -> Result<(), Failure> {
        let until = self.clock.now() + within;
        loop {
            match self.look().await {
                Ok(_) => return Ok(()),
                Err(failure) if failure.is_lasting() || self.clock.now() >= until => return Err(failure),
                Err(_) => self.clock.sleep_until(until.min(self.clock.now() + REST)).await,
            }
        }
    }

    /// Asks which version is the newest.
    async fn look(&self) -> Result<u32, Failure> {
        let version = self.call(self.client.newest_version()).await?;
        self.versions.meet(version, self.clock.now());
        Ok(version)
    }

    /// Asks, when it is our turn and nobody has failed just now.
    async fn call<T>(&self, request: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
        // It is never closed.
        let _turn = self.calls.acquire().await.ok();
        if let Some(failure) = self.outage.bars(self.clock.now()) {
            return Err(failure);
        }
        let outcome = request.await;
        self.outage.note(&outcome, self.clock.now());
        outcome
    }
}

#[async_trait]
impl KeyEncryption for Transit {
    async fn primary(&self) -> Result<KekId, CryptoError> {
        let _one = self.looking.lock().await;
        match self.versions.recent(self.clock.now()) {
            Some(version) => Ok(self.name.kek(version)),
            None => self.primary_now().await,
        }
    }

    async fn primary_now(&self) -> Result<KekId, CryptoError> {
        let version = self.look().await.map_err(unavailable)?;
        Ok(self.name.kek(version))
    }

    fn ids(&self) -> Vec<KekId> {
        self.versions.all().into_iter().map(|version| self.name.kek(version)).collect()
    }

    fn holds(&self, id: &KekId) -> bool {
        self.name.version(id).is_some()
    }

    async fn wrap(&self, key: &DekMaterial, place: WrappingPlace<'_>) -> Result<Vec<u8>, CryptoError> {
        if !self.versions.are_known() {
            // A key that is not there would be made by the first encryption, for a token that may.
            self.primary_now().await?;
        }
        let associated_data = place.associated_data();
        let ciphertext = self.call(self.client.encrypt(key, &associated_data)).await.map_err(unavailable)?;
        let version = version_of(&ciphertext);
        let version =
            version.ok_or_else(|| unavailable(Failure::Unreadable("the ciphertext names no version")))?;
        self.versions.meet(version, self.clock.now());
        Ok(service_envelope(&self.name.kek(version), &ciphertext))
    }

    async fn unwrap(&self, envelope: &[u8], place: WrappingPlace<'_>) -> Result<DekMaterial, CryptoError> {
        let kek = wrapping_key(envelope).ok_or(CryptoError::Malformed)?;
        let unknown = || CryptoError::UnknownKey(kek.as_str().to_owned());
        let version = self.name.version(&kek).ok_or_else(unknown)?;
        let ciphertext = service_answer(envelope)?;
        if version_of(ciphertext) != Some(version) {
            return Err(CryptoError::Malformed);
        }
        let associated_data = place.associated_data();
        match self.call(self.client.decrypt(ciphertext, &associated_data)).await {
            Ok(key) => Ok(key),
            Err(Failure::DoesNotOpen) => Err(CryptoError::DoesNotOpen),
            Err(Failure::NoVersion) => Err(unknown()),
            Err(failure) => Err(unavailable(failure)),
        }
    }
}

fn unavailable(failure: Failure) -> CryptoError {
    CryptoError::Unavailable(failure.to_string())
}
