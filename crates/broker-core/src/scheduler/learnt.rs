//! What the loop has learnt from the rotations it started.

use std::collections::{HashMap, HashSet};

use crate::ports::DueGrant;
use crate::rotation::Rotated;
use crate::{GrantId, ProviderName, RegistrationId, TenantId, Timestamp};

/// Grants remembered whose last try failed here. Beyond it a retry counts as a first try.
const MOST_FAILED: usize = 10_000;

type Client = (TenantId, ProviderName, RegistrationId);

/// Kept from turn to turn, in memory: another replica learns it anew.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    failed: HashSet<GrantId>,
    /// Registrations their provider refuses, and when each is tried again.
    paused: HashMap<Client, Timestamp>,
}

impl Learnt {
    /// Takes in how a rotation of this grant ended.
    pub(super) fn landed(&mut self, due: &DueGrant, rotated: &Rotated, now: Timestamp) {
        let grant = due.key.grant_id();
        match rotated {
            Rotated::Adopted => {
                self.failed.remove(&grant);
                self.paused.remove(&client(due));
            }
            Rotated::Refused if self.failed.len() < MOST_FAILED => {
                self.failed.insert(grant);
            }
            Rotated::RegistrationPaused(until) => {
                self.paused.retain(|_, until| *until > now);
                self.paused.insert(client(due), *until);
            }
            _ => {}
        }
    }

    /// Whether the grant's last try failed.
    pub(super) fn failed(&self, grant: GrantId) -> bool {
        self.failed.contains(&grant)
    }

    /// Until when no grant of its registration is claimed. A thousand grants behind a wrong secret do not each spend a
    /// call of the provider's budget to hear it.
    pub(super) fn paused_until(&self, due: &DueGrant, now: Timestamp) -> Option<Timestamp> {
        self.paused.get(&client(due)).copied().filter(|until| *until > now)
    }
}

fn client(due: &DueGrant) -> Client {
    (due.key.tenant.clone(), due.key.provider.clone(), due.registration.clone())
}

#[cfg(test)]
mod tests {
    use super::super::samples::{at, due, key};
    use super::*;

    fn of(tenant: &str, user: &str) -> DueGrant {
        due(key(tenant, "p", user), at(0), at(3600))
    }

    #[test]
    fn one_refusal_tells_of_every_grant_of_the_registration_until_it_is_tried_again() {
        let mut learnt = Learnt::default();
        learnt.landed(&of("a", "ada"), &Rotated::RegistrationPaused(at(60)), at(0));
        assert_eq!(learnt.paused_until(&of("a", "bob"), at(59)), Some(at(60)));
        assert_eq!(learnt.paused_until(&of("a", "bob"), at(60)), None);
        assert_eq!(learnt.paused_until(&of("b", "bob"), at(0)), None);
        let registration = RegistrationId::new("other").unwrap();
        assert_eq!(learnt.paused_until(&DueGrant { registration, ..of("a", "bob") }, at(0)), None);
    }

    #[test]
    fn an_accepted_grant_ends_it() {
        let mut learnt = Learnt::default();
        learnt.landed(&of("a", "ada"), &Rotated::RegistrationPaused(at(60)), at(0));
        learnt.landed(&of("a", "bob"), &Rotated::Adopted, at(1));
        assert_eq!(learnt.paused_until(&of("a", "ada"), at(1)), None);
    }

    #[test]
    fn a_failed_try_is_remembered_until_the_grant_is_refreshed() {
        let (mut learnt, ada) = (Learnt::default(), of("a", "ada"));
        learnt.landed(&ada, &Rotated::Refused, at(0));
        assert!(learnt.failed(ada.key.grant_id()));
        learnt.landed(&ada, &Rotated::Adopted, at(1));
        assert!(!learnt.failed(ada.key.grant_id()));
    }
}
