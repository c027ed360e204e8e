//! Credentials of machines: what authorises API calls where no user consents.

use broker_crypto::{ApiKeyId, ApiKeySecret, Place, Sealed};

use crate::{AccountLabel, Generation, GrantKey, Minting, RegistrationId, RowVersion, Timestamp, UserId};

/// An API key as an operator gives it. `Debug` is redacted.
#[derive(Debug)]
pub struct ApiKey {
    /// The identifying half.
    pub id: ApiKeyId,
    /// The secret half.
    pub secret: ApiKeySecret,
}

/// A machine credential as an operator asks for it.
#[derive(Debug)]
pub enum NewMachineCredential {
    /// An API key.
    ApiKey(ApiKey),
    /// Tokens of the client itself (RFC 6749 §4.4).
    ClientCredentials {
        /// The registration; `None` for the one that a consent would use.
        registration: Option<RegistrationId>,
        /// What to ask for besides the provider's own scopes; empty for the registration's scopes.
        scopes: Vec<String>,
    },
    /// Tokens of another account, got with the tokens of a grant of the same tenant at the same provider.
    Derived {
        /// The user of the grant.
        user: UserId,
        /// The label of the grant.
        account: AccountLabel,
        /// The account at the provider.
        target: String,
        /// What to ask for besides the provider's own scopes.
        scopes: Vec<String>,
    },
}

/// A machine credential: it stands under the key of a grant, in place of one.
#[derive(Debug, Clone)]
pub struct MachineCredential {
    /// Where it stands.
    pub key: GrantKey,
    /// What it holds.
    pub held: MachineCredentialHeld,
    /// When it was put in.
    pub created_at: Timestamp,
    /// When it was last replaced; when it was put in if it never was.
    pub updated_at: Timestamp,
    /// Its version: what takes its place has another one.
    pub version: RowVersion,
}

/// What a machine credential holds.
#[derive(Debug, Clone)]
pub enum MachineCredentialHeld {
    /// A pair that is given out as it is.
    ApiKey(SealedApiKey),
    /// Access tokens that can always be had anew.
    Minted(Box<Minting>),
}

/// The halves of an API key, sealed for the version of the credential.
#[derive(Debug, Clone)]
pub struct SealedApiKey {
    /// The identifying half.
    pub id: Sealed<ApiKeyId>,
    /// The secret half.
    pub secret: Sealed<ApiKeySecret>,
}

impl MachineCredential {
    /// How records name it, beside its key.
    pub const RESOURCE: &'static str = "machine_credential";

    /// The generation that is vended: of a pair the version, of a minted token its own, which begins with the version.
    /// What is made anew under an old key has none of its old ones.
    pub fn generation(&self) -> Generation {
        match &self.held {
            MachineCredentialHeld::ApiKey(_) => Generation::new(self.version.get()),
            MachineCredentialHeld::Minted(minting) => minting.generation,
        }
    }

    /// How its tokens are minted; `None` for an API key.
    pub fn minting(&self) -> Option<&Minting> {
        match &self.held {
            MachineCredentialHeld::ApiKey(_) => None,
            MachineCredentialHeld::Minted(minting) => Some(minting),
        }
    }

    /// The owner part of the place of the halves of an API key.
    pub fn owner(key: &GrantKey) -> String {
        key.grant_id().to_string()
    }

    /// The place of the halves of a version.
    pub(crate) fn place<'a>(key: &'a GrantKey, owner: &'a str, version: RowVersion) -> Place<'a> {
        Place { tenant: key.tenant.as_str(), owner, generation: version.get() }
    }
}
