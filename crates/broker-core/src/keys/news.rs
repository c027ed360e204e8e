//! Hearing of keys that other replicas have made or retired, and telling which key wraps.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use broker_crypto::CryptoError;

use super::{TenantKeyCache, WrappingKeys};
use crate::error::chain;
use crate::ports::KeyStore;
use crate::{Broker, BrokerError, Timestamp};

/// How far back is asked each time: longer than a commit may take and than clocks are apart.
const OVERLAP: Duration = Duration::from_secs(60);

/// What was heard and told so far.
#[derive(Debug, Default)]
pub(crate) struct KeyNews {
    heard_to: Mutex<Option<Timestamp>>,
    told_primary: Mutex<Option<WrappingKeys>>,
}

impl KeyNews {
    /// Reads once what is new, and reloads in `keys` whatever it is of.
    pub(crate) async fn hear(
        &self,
        store: &dyn KeyStore,
        keys: &TenantKeyCache,
        now: Timestamp,
    ) -> Result<(), BrokerError> {
        for changed in store.changed_keys(self.since(now)).await? {
            let Some(opened) = keys.peek(&changed.tenant) else { continue };
            if opened.holds(changed.id) == changed.retired {
                keys.reload(&changed.tenant).await?;
            }
        }
        self.heard(now);
        Ok(())
    }

    fn since(&self, now: Timestamp) -> Timestamp {
        let heard_to = self.heard_to.lock().unwrap_or_else(PoisonError::into_inner);
        heard_to.unwrap_or(now) - OVERLAP
    }

    fn heard(&self, now: Timestamp) {
        *self.heard_to.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
    }

    fn was_told(&self, primary: &WrappingKeys) -> bool {
        self.told_primary.lock().unwrap_or_else(PoisonError::into_inner).as_ref() == Some(primary)
    }

    fn told(&self, primary: WrappingKeys) {
        *self.told_primary.lock().unwrap_or_else(PoisonError::into_inner) = Some(primary);
    }
}

impl Broker {
    /// Reads once what is new about keys: from now on this replica seals under the newest, and has forgotten what was
    /// retired.
    pub async fn hear_of_keys(&self) {
        if let Err(error) = self.try_hear_of_keys().await {
            tracing::warn!(error = chain(&error), "what is new about keys could not be read");
        }
        if let Err(error) = self.tell_primary().await {
            tracing::warn!(error = chain(&error), "which key wraps new data keys could not be noted");
        }
    }

    async fn try_hear_of_keys(&self) -> Result<(), BrokerError> {
        self.key_news.hear(self.key_store.as_ref(), &self.keys, self.clock.now()).await
    }

    async fn tell_primary(&self) -> Result<(), BrokerError> {
        let primary = match WrappingKeys::present(self.keys.encryption.as_ref()).await {
            // Whoever needs a key opened is told so; this can wait.
            Err(CryptoError::Unavailable(_)) => return Ok(()),
            known => known?,
        };
        if !self.key_news.was_told(&primary) {
            self.key_store.note_primary_keks(&primary.ids(), self.clock.now()).await?;
            self.key_news.told(primary);
        }
        Ok(())
    }
}
