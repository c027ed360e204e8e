//! The refreshing that operators have paused, as this replica last read it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::ports::{PauseTarget, RefreshPause};
use crate::{GrantKey, Timestamp};

/// The pauses known. While the store is away those it had last still hold, each until its own end.
#[derive(Debug, Default)]
pub(crate) struct Pauses(Mutex<Vec<RefreshPause>>);

impl Pauses {
    pub(crate) fn set(&self, pauses: Vec<RefreshPause>) {
        *self.lock() = pauses;
    }

    /// Until when the refreshing of this grant is paused, if it is.
    pub(crate) fn until(&self, key: &GrantKey, now: Timestamp) -> Option<Timestamp> {
        let meets = |pause: &&RefreshPause| match &pause.target {
            PauseTarget::Tenant(tenant) => *tenant == key.tenant,
            PauseTarget::Provider(provider) => *provider == key.provider,
        };
        let pauses = self.lock();
        let ends = pauses.iter().filter(meets).map(|pause| pause.expires_at);
        ends.filter(|end| *end > now).max()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<RefreshPause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, key};
    use super::*;
    use crate::{Principal, ProviderName, TenantId};

    fn pause(target: PauseTarget, until: i64) -> RefreshPause {
        let principal = Principal::new("grace").unwrap();
        RefreshPause { target, expires_at: at(until), principal, note: String::new(), created_at: at(0) }
    }

    #[test]
    fn a_pause_holds_for_its_target_until_its_end_and_the_longer_of_two_counts() {
        let (tenant, provider) = (TenantId::new("t").unwrap(), ProviderName::new("p").unwrap());
        let pauses = Pauses::default();
        pauses.set(vec![pause(PauseTarget::Tenant(tenant), 10), pause(PauseTarget::Provider(provider), 20)]);
        let until = |tenant, provider, now| pauses.until(&key(tenant, provider, "ada"), at(now));
        assert_eq!(until("t", "q", 9), Some(at(10)));
        assert_eq!(until("t", "q", 10), None);
        assert_eq!(until("t", "p", 9), Some(at(20)));
        assert_eq!(until("u", "p", 19), Some(at(20)));
        assert_eq!(until("u", "q", 0), None);
        pauses.set(Vec::new());
        assert_eq!(until("t", "p", 0), None);
    }
}
