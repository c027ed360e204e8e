//! News of registrations that their providers refuse, and accept again: one alert for each, whichever replica finds out
//! (rule 9).

use std::sync::{Mutex, PoisonError};

use crate::ports::{RegistrationKey, StoreError};
use crate::{Broker, ProviderName};

/// How many registrations are refused at present, at each provider that refuses any.
#[derive(Debug, Default)]
pub(crate) struct Rejected(Mutex<Vec<(ProviderName, u64)>>);

impl Rejected {
    fn set(&self, standing: Vec<(ProviderName, u64)>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = standing;
    }

    fn read(&self) -> Vec<(ProviderName, u64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Broker {
    /// How many registrations providers refuse at present, as of the last heartbeat.
    pub fn rejected_registrations(&self) -> Vec<(ProviderName, u64)> {
        self.rejected.read()
    }

    /// Takes the news and tells it.
    pub(super) async fn tell_registration_news(&self) -> Result<(), StoreError> {
        let news = self.scheduler.take_registration_news().await?;
        for RegistrationKey { tenant, provider, id } in news.rejected {
            tracing::error!(
                %tenant, %provider, registration = %id,
                "registration.rejected: the provider refuses every secret of the client registration; its grants rest \
                 and none is given up; add a good secret"
            );
        }
        for RegistrationKey { tenant, provider, id } in news.recovered {
            tracing::warn!(
                %tenant, %provider, registration = %id,
                "registration.recovered: the provider accepts the client registration again"
            );
        }
        self.rejected.set(news.standing);
        Ok(())
    }
}
