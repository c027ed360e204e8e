//! The full key of a grant. Nothing is ever looked up by less.

use std::fmt;

use broker_crypto::sha256;

use crate::{AccountLabel, GrantId, ProviderName, TenantId, UserId};

/// Whose grant at which provider: tenant first, always whole.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The authorization server.
    pub provider: ProviderName,
    /// The tenant's id of its user.
    pub user: UserId,
    /// Which of the user's accounts.
    pub account: AccountLabel,
}

impl GrantKey {
    /// The grant's id: a name-based UUID (version 8, RFC 9562 §5.8) over the key, SHA-256.
    ///
    /// Derived, so that two first consents for one key cannot mint two grants, and a sealed value
    /// can be bound to its grant before the grant has a row.
    pub fn grant_id(&self) -> GrantId {
        let mut name = Vec::from(*b"tokenbroker.v1.grant");
        for part in [self.tenant.as_str(), self.provider.as_str(), self.user.as_str(), self.account.as_str()]
        {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        GrantId::from_digest(&sha256(&name))
    }
}

impl fmt::Display for GrantKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{}", self.tenant, self.provider, self.user, self.account)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(tenant: &str, user: &str, account: &str) -> GrantKey {
        GrantKey {
            tenant: TenantId::new(tenant).unwrap(),
            provider: ProviderName::new("evercam").unwrap(),
            user: UserId::new(user).unwrap(),
            account: AccountLabel::new(account).unwrap(),
        }
    }

    #[test]
    fn the_id_depends_on_every_part_and_on_where_parts_end() {
        let id = key("t", "ab", "c").grant_id();
        assert_eq!(id, key("t", "ab", "c").grant_id());
        for other in [key("u", "ab", "c"), key("t", "a", "bc"), key("t", "ab", "d")] {
            assert_ne!(id, other.grant_id());
        }
    }

    #[test]
    fn the_id_stays_the_same_from_release_to_release() {
        // Stored rows carry it: a change of derivation would orphan every grant.
        assert_eq!(key("t", "u", "default").grant_id().to_string(), "84e17ee8-7daf-8e89-9d0b-c4edc4bfb990");
    }
}
