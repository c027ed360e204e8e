//! What operators do to grants: look at them, refresh one now.

use std::sync::Arc;
use std::time::Duration;

use crate::ports::{GrantFilter, VendableGrant};
use crate::rotation::{Rotated, Trigger};
use crate::vend::refusal;
use crate::{Broker, BrokerError, Grant, GrantKey, Lifecycle, Phase};

impl Broker {
    /// The grant of that key.
    pub async fn grant(&self, key: &GrantKey) -> Result<Grant, BrokerError> {
        self.provider(&key.provider)?;
        Ok(self.stored(key).await?.grant)
    }

    /// A page of a tenant's grants, ordered by key.
    pub async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, BrokerError> {
        self.tenants.tenant(&filter.tenant).await?.ok_or(BrokerError::TenantNotFound)?;
        Ok(self.grants.list_grants(filter).await?)
    }

    /// Refreshes a grant now, whether it is due or not, and waits for the outcome. A token in doubt still rests.
    pub async fn refresh_grant(
        self: &Arc<Self>,
        key: &GrantKey,
        wait: Option<Duration>,
    ) -> Result<Grant, BrokerError> {
        self.provider(&key.provider)?;
        let before = self.stored(key).await?.grant;
        let now = self.clock.now();
        // Rule 7: a token in doubt rests. Shown too early it could meet an orphaned request, or end a mere suspect.
        let in_doubt = matches!(before.phase, Phase::Uncertain | Phase::Suspect);
        let rests = in_doubt && before.paused_until(now).is_some();
        if before.lifecycle != Lifecycle::Active || !before.refreshable || rests {
            return Err(refusal(&before, now, self.timing.retry_base));
        }
        let mut flight = self.start_rotation(key, before.generation, Trigger::Operator);
        let rotated = self.within(wait, flight.landed()).await.unwrap_or(Rotated::StillRunning);
        let after = self.stored(key).await?.grant;
        if after.generation > before.generation {
            return Ok(after);
        }
        match rotated {
            Rotated::Failed(error) => Err(error.into()),
            Rotated::RegistrationPaused(_) => {
                Err(BrokerError::ClientRegistrationRejected(after.registration))
            }
            Rotated::RefreshPaused(until) => Err(self.refresh_paused(until)),
            Rotated::StillRunning => Err(BrokerError::RefreshInProgress(self.timing.retry_base)),
            _ => Err(refusal(&after, self.clock.now(), self.timing.retry_base)),
        }
    }

    async fn stored(&self, key: &GrantKey) -> Result<VendableGrant, BrokerError> {
        self.grants.vendable(key).await?.ok_or(BrokerError::GrantNotFound)
    }
}
