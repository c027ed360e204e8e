//! One grant that tries a rested registration for all (rule 9).

use std::sync::Arc;

use crate::error::chain;
use crate::ports::{GrantFilter, RegistrationKey};
use crate::rotation::Trigger;
use crate::{Broker, Grant, Lifecycle, Phase};

/// Grants looked at for one that can be refreshed now.
const LOOKED_AT: u32 = 100;

impl Broker {
    /// Refreshes one grant of the registration, in the background: its claim is the canary. Without a grant that can be
    /// refreshed now, the next due one is.
    pub(super) async fn send_canary(self: &Arc<Self>, key: &RegistrationKey) {
        let filter = GrantFilter {
            tenant: key.tenant.clone(),
            provider: Some(key.provider.clone()),
            user: None,
            registration: Some(key.id.clone()),
            lifecycles: vec![Lifecycle::Active],
            after: None,
            limit: LOOKED_AT,
        };
        match self.grants.list_grants(&filter).await {
            Ok(grants) => {
                let free = |grant: &Grant| grant.refreshable && grant.phase == Phase::Idle;
                let longest_due = grants.into_iter().filter(free).min_by_key(|grant| grant.due_at);
                if let Some(grant) = longest_due {
                    drop(self.start_rotation(&grant.key, grant.generation, Trigger::Canary));
                }
            }
            Err(error) => tracing::warn!(
                tenant = %key.tenant, provider = %key.provider, registration = %key.id, error = chain(&error),
                "no grant was found to try a changed registration with; the next due one will"
            ),
        }
    }
}
