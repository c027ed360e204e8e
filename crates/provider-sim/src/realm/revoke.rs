//! Revocation (RFC 7009), and users who remove an application from their account.

use super::{Realm, Trace};
use crate::ledger::{Event, Family, Fingerprint, Ledger};
use crate::policy::RevocationReach;

/// What a revocation request came to.
pub(crate) enum Revocation {
    /// The token is revoked.
    Done(Trace),
    /// The token is not, or no longer, valid: nothing to do.
    Nothing,
    /// The token belongs to another client.
    Foreign,
}

impl Realm {
    /// Revokes a refresh token with its whole family, or one access token.
    pub(crate) fn revoke(&self, token: &str, client_id: &str) -> std::io::Result<Revocation> {
        let mut ledger = self.ledger();
        let Some((family, events)) = self.revocation_of(&ledger, token) else {
            return Ok(Revocation::Nothing);
        };
        if family.client_id != client_id {
            return Ok(Revocation::Foreign);
        }
        let trace = Trace { family: Some(family.id), ..Trace::default() };
        ledger.commit(events)?;
        Ok(Revocation::Done(trace))
    }

    /// Ends every grant of a user, as if the user had removed each application. Answers how many ended.
    pub(crate) fn revoke_all_of_user(&self, user: &str) -> std::io::Result<usize> {
        let mut ledger = self.ledger();
        let events = revocations(ledger.tables().families_of(user, None));
        let count = events.len();
        ledger.commit(events)?;
        Ok(count)
    }

    fn revocation_of(&self, ledger: &Ledger, token: &str) -> Option<(Family, Vec<Event>)> {
        let tables = ledger.tables();
        if let Some((_, family)) = tables.access_token(token) {
            return Some((family.clone(), vec![Event::AccessRevoked(Fingerprint::of(token))]));
        }
        let (refresh, family) = tables.refresh_token(token)?;
        if family.revoked || refresh.first_used_at.is_some() {
            return None;
        }
        let events = match self.rules.reach {
            RevocationReach::Token => vec![Event::FamilyRevoked(family.id)],
            RevocationReach::Authorization => {
                revocations(tables.families_of(&family.user, Some(&family.client_id)))
            }
        };
        Some((family.clone(), events))
    }
}

fn revocations<'a>(families: impl Iterator<Item = &'a Family>) -> Vec<Event> {
    families.map(|family| Event::FamilyRevoked(family.id)).collect()
}
