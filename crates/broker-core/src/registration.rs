//! A tenant's registrations as OAuth clients.

use std::collections::BTreeMap;
use std::time::Duration;

use broker_crypto::Place;

use crate::{
    GrantWindow, ProviderName, ProviderProfile, RegisteredSecret, RegistrationId, RowVersion, SecretId,
    TenantId, Timestamp,
};

/// A tenant's registration as a client at one provider (RFC 6749 §2).
#[derive(Debug, Clone)]
pub struct ClientRegistration {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The provider it is registered at.
    pub provider: ProviderName,
    /// Its name within the tenant and provider.
    pub id: RegistrationId,
    /// The client identifier the provider gave (RFC 6749 §2.2).
    pub client_id: String,
    /// Its secrets in the order in which they are tried: those that were not refused as the operator wants them, then
    /// the refused ones, the longest ago first. Empty for a public client (RFC 6749 §2.1), and only for one.
    pub secrets: Vec<RegisteredSecret>,
    /// How many secrets it has ever had: the number of the last one.
    pub secrets_made: u32,
    /// The redirect URI registered at the provider, sent exactly so.
    pub redirect_uri: String,
    /// Scopes asked for when a request names none.
    pub scopes: Vec<String>,
    /// Where a browser may be sent after consent: key to URL.
    pub return_to: BTreeMap<String, String>,
    /// How long its grants live; `None` as the provider's grants do.
    pub grant_window: Option<GrantWindow>,
    /// Whether users may consent on another device (RFC 8628).
    pub allow_device_authorization: bool,
    /// The provider refuses it: it rests, but for canaries (rule 9 of docs/rotation.md).
    pub rejected: bool,
    /// When it was created.
    pub created_at: Timestamp,
    /// When an operator last changed it.
    pub updated_at: Timestamp,
    /// Which change that was.
    pub version: RowVersion,
}

impl ClientRegistration {
    /// The owner part of the place one of its secrets is sealed at.
    pub fn secret_owner(provider: &ProviderName, id: &RegistrationId, secret: SecretId) -> String {
        format!("{provider}/{id}/{secret}")
    }

    /// The place a secret is sealed at; `owner` is [`Self::secret_owner`].
    pub fn secret_place<'a>(tenant: &'a TenantId, owner: &'a str) -> Place<'a> {
        Place { tenant: tenant.as_str(), owner, generation: 0 }
    }

    /// How long its grants live at a provider of that profile.
    pub fn window(&self, profile: &ProviderProfile) -> GrantWindow {
        self.grant_window.unwrap_or_else(|| GrantWindow::of(profile))
    }

    /// A client without secrets.
    pub fn is_public(&self) -> bool {
        self.secrets.is_empty()
    }

    /// The id of the secret to be added next; `None` once every number was given.
    pub fn next_secret_id(&self) -> Option<SecretId> {
        self.secrets_made.checked_add(1).and_then(SecretId::new)
    }

    /// Whether there is a secret to try after `refused` was refused: one that was not itself refused within `lately`.
    /// Not known which one was refused, any that was not will do.
    pub(crate) fn has_another_secret(
        &self,
        refused: Option<SecretId>,
        now: Timestamp,
        lately: Duration,
    ) -> bool {
        let worth_a_try = |secret: &RegisteredSecret| {
            Some(secret.id) != refused && secret.refused_at.is_none_or(|at| now.since(at) >= lately)
        };
        self.secrets.iter().any(worth_a_try)
    }

    /// The secret that is tried now.
    pub(crate) fn secret_to_try(&self) -> Option<&RegisteredSecret> {
        self.secrets.first()
    }
}

#[cfg(test)]
mod tests {
    use broker_crypto::Sealed;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
    const MINUTE: Duration = Duration::from_secs(60);

    /// A registration with these secrets, each refused so many seconds ago.
    fn registration(refused: &[Option<u64>]) -> ClientRegistration {
        let secret = |(number, ago): (u32, &Option<u64>)| RegisteredSecret {
            id: SecretId::new(number).unwrap(),
            sealed: Sealed::from_bytes(Vec::new()),
            created_at: NOW,
            last_accepted_at: None,
            refused_at: ago.map(|seconds| NOW - Duration::from_secs(seconds)),
        };
        ClientRegistration {
            tenant: TenantId::new("t").unwrap(),
            provider: ProviderName::new("p").unwrap(),
            id: RegistrationId::new("r").unwrap(),
            client_id: String::new(),
            secrets: (1..).zip(refused).map(secret).collect(),
            secrets_made: 2,
            redirect_uri: String::new(),
            scopes: Vec::new(),
            return_to: BTreeMap::new(),
            grant_window: None,
            allow_device_authorization: false,
            rejected: false,
            created_at: NOW,
            updated_at: NOW,
            version: RowVersion::first(NOW),
        }
    }

    #[test]
    fn a_secret_refused_lately_is_no_alternative() {
        let first = Some(SecretId::FIRST);
        for (refused, another) in [
            (vec![], false),
            (vec![None], false),
            (vec![None, None], true),
            (vec![None, Some(59)], false),
            (vec![None, Some(60)], true),
            (vec![None, Some(0), None], true),
        ] {
            assert_eq!(registration(&refused).has_another_secret(first, NOW, MINUTE), another, "{refused:?}");
        }
    }

    #[test]
    fn where_it_is_not_known_which_was_refused_any_other_may_be_the_good_one() {
        assert!(registration(&[None]).has_another_secret(None, NOW, MINUTE));
        assert!(!registration(&[Some(1), Some(2)]).has_another_secret(None, NOW, MINUTE));
    }

    #[test]
    fn two_secrets_never_share_a_place() {
        let place = |number| {
            let (provider, id) = (ProviderName::new("p").unwrap(), RegistrationId::new("r").unwrap());
            ClientRegistration::secret_owner(&provider, &id, SecretId::new(number).unwrap())
        };
        assert_ne!(place(1), place(2));
    }
}
