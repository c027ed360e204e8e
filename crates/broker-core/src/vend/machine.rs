//! Vending where the key has a machine credential in place of a grant.

use super::{VendRequest, VendedApiKey, VendedMinted, Vendor};
use crate::{BrokerError, Generation, GrantKey, MachineCredentialHeld};

/// What a machine credential gives.
#[derive(Debug)]
pub enum VendedMachineCredential {
    /// An API key.
    ApiKey(Box<VendedApiKey>),
    /// An access token.
    Token(Box<VendedMinted>),
}

impl VendedMachineCredential {
    /// Where the credential stands.
    pub fn key(&self) -> &GrantKey {
        match self {
            Self::ApiKey(vended) => &vended.credential.key,
            Self::Token(vended) => &vended.key,
        }
    }

    /// The number of the pair or token.
    pub fn generation(&self) -> Generation {
        match self {
            Self::ApiKey(vended) => vended.credential.generation(),
            Self::Token(vended) => vended.generation,
        }
    }

    /// What is secret of it.
    pub(crate) fn expose(&self) -> &str {
        match self {
            Self::ApiKey(vended) => vended.secret.expose(),
            Self::Token(vended) => vended.access_token.expose(),
        }
    }
}

impl Vendor {
    /// Answers with what the machine credential gives that stands under the key asked for: where [`Vendor::vend`] finds
    /// no grant.
    ///
    /// It is read anew at each call, so that one which was replaced or erased is never served.
    pub async fn vend_machine_credential(
        &self,
        request: &VendRequest,
    ) -> Result<VendedMachineCredential, BrokerError> {
        self.profile(&request.key.provider)?;
        let credential = self.machine_credentials.machine_credential(&request.key).await?;
        let credential = credential.ok_or(BrokerError::GrantNotFound)?;
        match credential.held.clone() {
            MachineCredentialHeld::ApiKey(sealed) => {
                let vended = self.vend_api_key(request, credential, &sealed).await?;
                Ok(VendedMachineCredential::ApiKey(Box::new(vended)))
            }
            MachineCredentialHeld::Minted(_) => {
                let vended = self.vend_minted(request, credential).await?;
                Ok(VendedMachineCredential::Token(Box::new(vended)))
            }
        }
    }
}
