//! Minting: access tokens of machine credentials, which the broker can have made anew whenever it must.
//!
//! Nothing is spent by it, and nothing is lost with a lost answer: no rotation protocol is needed, only that not everybody
//! asks at once.

use broker_crypto::{AccessToken, Place, Sealed};

use crate::{
    AccountLabel, Generation, GrantId, GrantKey, LastFailure, LineageId, MachineCredential, RegistrationId,
    RowVersion, Timestamp, UserId,
};

/// How the tokens of a machine credential are minted, the last one, and when the next is.
#[derive(Debug, Clone)]
pub struct Minting {
    /// Of what.
    pub source: MintSource,
    /// The scopes asked for.
    pub scopes: Vec<String>,
    /// Of the last token; before the first one the version of the credential.
    pub generation: Generation,
    /// The last token; `None` before the first one.
    pub token: Option<MintedToken>,
    /// When the next is minted: before the last one expires, or after a pause where minting failed.
    pub mint_at: Timestamp,
    /// A replica is minting, and until then nobody else does.
    pub minting_until: Option<Timestamp>,
    /// Why minting failed, if it did since the last token.
    pub last_failure: Option<LastFailure>,
}

/// What tokens are minted of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MintSource {
    /// The client's own credentials (RFC 6749 §4.4).
    ClientCredentials {
        /// The registration.
        registration: RegistrationId,
    },
    /// The access token of a grant of the same tenant at the same provider.
    Derived {
        /// The user of the grant.
        user: UserId,
        /// The label of the grant.
        account: AccountLabel,
        /// The account at the provider that the token is for.
        target: String,
    },
}

/// A minted access token, sealed, with its facts in the clear.
#[derive(Debug, Clone)]
pub struct MintedToken {
    /// The token, sealed for its generation.
    pub access_token: Sealed<AccessToken>,
    /// Token type.
    pub token_type: String,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// Prefix of API calls, if the answer named an allowed one.
    pub api_base_url: Option<String>,
    /// When it was asked for.
    pub issued_at: Timestamp,
    /// When it expires.
    pub expires_at: Timestamp,
    /// Of a derived one the lineage of the grant it was derived from: another consent may be of another account.
    pub lineage: Option<LineageId>,
}

/// What a mint begins from: it is made once for each, whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MintMark {
    /// The version of the credential.
    pub version: RowVersion,
    /// The generation of the last token.
    pub generation: Generation,
    /// How often minting has failed since.
    pub failures: u32,
}

impl Minting {
    /// One that is due at once.
    pub(crate) fn new(source: MintSource, scopes: Vec<String>, version: RowVersion, at: Timestamp) -> Self {
        let generation = Generation::new(version.get());
        let (token, minting_until, last_failure) = (None, None, None);
        Self { source, scopes, generation, token, mint_at: at, minting_until, last_failure }
    }

    /// How often minting has failed since the last token.
    pub fn failures(&self) -> u32 {
        self.last_failure.as_ref().map_or(0, |failure| failure.in_a_row)
    }

    /// Until when a failure lets minting rest.
    pub(crate) fn rests_until(&self, now: Timestamp) -> Option<Timestamp> {
        (self.last_failure.is_some() && self.mint_at > now).then_some(self.mint_at)
    }

    /// The key of the grant it derives from, if it does.
    pub fn parent(&self, of: &GrantKey) -> Option<GrantKey> {
        match &self.source {
            MintSource::ClientCredentials { .. } => None,
            MintSource::Derived { user, account, .. } => {
                Some(GrantKey { user: user.clone(), account: account.clone(), ..of.clone() })
            }
        }
    }
}

impl MintedToken {
    /// The owner part of its place: not that of the access token of a grant, which may stand under the same key later.
    pub fn owner(id: GrantId) -> String {
        format!("machine/{id}")
    }

    /// The place of the token of a generation; `owner` is [`Self::owner`].
    pub(crate) fn place<'a>(key: &'a GrantKey, owner: &'a str, generation: Generation) -> Place<'a> {
        Place { tenant: key.tenant.as_str(), owner, generation: generation.get() }
    }
}

impl MachineCredential {
    /// What its next mint begins from; `None` for an API key.
    pub fn mint_mark(&self) -> Option<MintMark> {
        self.minting().map(|minting| MintMark {
            version: self.version,
            generation: minting.generation,
            failures: minting.failures(),
        })
    }
}
