//! Vending an API key.

use broker_crypto::{ApiKeyId, ApiKeySecret};

use super::{VendRequest, Vendor};
use crate::{ApiKeyHeaders, BrokerError, FieldViolation, MachineCredential, SealedApiKey};

/// An API key with the headers it goes into.
#[derive(Debug)]
pub struct VendedApiKey {
    /// As it is kept.
    pub credential: MachineCredential,
    /// The identifying half.
    pub id: ApiKeyId,
    /// The secret half.
    pub secret: ApiKeySecret,
    /// The headers of the two.
    pub headers: ApiKeyHeaders,
}

impl Vendor {
    /// It has no scopes: a caller who may have tokens of some scopes only does not get it, and no required scope is covered
    /// by it.
    pub(super) async fn vend_api_key(
        &self,
        request: &VendRequest,
        credential: MachineCredential,
        sealed: &SealedApiKey,
    ) -> Result<VendedApiKey, BrokerError> {
        let key = &request.key;
        let headers = self.profile(&key.provider)?.api_key_headers.clone();
        let headers = headers.ok_or_else(|| no_api_keys("provider"))?;
        request.permit.extends_to_scopes(key, &[])?;
        if !request.required_scopes.is_empty() {
            return Err(BrokerError::MissingScopes(request.required_scopes.clone()));
        }
        let keys = self.keys.opening(&key.tenant, sealed.secret.key_id()).await?;
        let owner = MachineCredential::owner(key);
        let place = MachineCredential::place(key, &owner, credential.version);
        let id = keys.open(&sealed.id, place)?;
        let secret = keys.open(&sealed.secret, place)?;
        Ok(VendedApiKey { credential, id, secret, headers })
    }
}

/// The provider's API takes no keys, as far as its profile knows.
pub(crate) fn no_api_keys(field: &str) -> BrokerError {
    let problem = "its API takes no API keys; api_key_id_header and api_key_secret_header of its configuration say \
                   where they go";
    BrokerError::InvalidRequest(vec![FieldViolation::new(field, problem)])
}
