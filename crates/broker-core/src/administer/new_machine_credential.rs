//! Making a machine credential of what an operator asks for: checked, sealed, or with what its tokens are minted of.

use broker_crypto::KeyPurpose;

use crate::consent::check_scopes;
use crate::vend::no_api_keys;
use crate::{
    ApiKey, Broker, BrokerError, ClientRegistration, FieldViolation, GrantKey, MachineCredential,
    MachineCredentialHeld, MintSource, Minting, NewMachineCredential, Permit, RowVersion, SealedApiKey,
    Timestamp,
};

/// Longest half of an API key, in bytes.
const LONGEST: usize = 4096;

/// Scopes of one request.
const MOST_SCOPES: usize = 64;

/// Longest id of an account at a provider, in bytes.
const LONGEST_ACCOUNT: usize = 256;

const NO_CLIENT_CREDENTIALS: &str = "it gives no tokens to clients themselves, as far as is known; `client_credentials = \
                                     true` in its configuration says that it does";
const NO_DERIVED_TOKENS: &str = "it gives no tokens of other accounts, as far as is known; `derived_token_url` in its \
                                 configuration says where it does";
const PUBLIC_CLIENT: &str =
    "must be a registration with a client secret: nothing else is shown to the provider";
const BAD_ACCOUNT: &str = "must be 1 to 256 visible ASCII characters";

impl Broker {
    /// Whether the provider knows such a thing, and it is written as it must be.
    pub(super) fn check_fits(&self, key: &GrantKey, new: &NewMachineCredential) -> Result<(), BrokerError> {
        let provider = self.provider(&key.provider)?;
        let violations = match new {
            NewMachineCredential::ApiKey(_) if provider.profile().api_key_headers.is_none() => {
                return Err(no_api_keys("key.provider"));
            }
            NewMachineCredential::ApiKey(api_key) => api_key_violations(api_key),
            NewMachineCredential::ClientCredentials { .. } if !provider.profile().client_credentials => {
                vec![FieldViolation::new("key.provider", NO_CLIENT_CREDENTIALS)]
            }
            NewMachineCredential::ClientCredentials { scopes, .. } => {
                scope_violations(scopes, "client_credentials.scopes")
            }
            NewMachineCredential::Derived { .. } if !provider.derives_tokens() => {
                vec![FieldViolation::new("key.provider", NO_DERIVED_TOKENS)]
            }
            NewMachineCredential::Derived { user, account, target, scopes } => {
                let mut violations = scope_violations(scopes, "derived.scopes");
                if (user, account) == (&key.user, &key.account) {
                    violations
                        .push(FieldViolation::new("derived.user_id", "must be another key than its own"));
                }
                if !is_account(target) {
                    violations.push(FieldViolation::new("derived.target_account_id", BAD_ACCOUNT));
                }
                violations
            }
        };
        if violations.is_empty() { Ok(()) } else { Err(BrokerError::InvalidRequest(violations)) }
    }

    pub(super) async fn credential_of(
        &self,
        key: &GrantKey,
        new: &NewMachineCredential,
        version: RowVersion,
        at: Timestamp,
        permit: &Permit,
    ) -> Result<MachineCredential, BrokerError> {
        let held = match new {
            NewMachineCredential::ApiKey(api_key) => {
                MachineCredentialHeld::ApiKey(self.seal_api_key(key, api_key, version).await?)
            }
            minted => {
                let (source, scopes) = self.source_of(key, minted).await?;
                permit.extends_to_scopes(key, &scopes)?;
                MachineCredentialHeld::Minted(Box::new(Minting::new(source, scopes, version, at)))
            }
        };
        Ok(MachineCredential { key: key.clone(), held, created_at: at, updated_at: at, version })
    }

    /// What is minted of, and the scopes to ask for.
    async fn source_of(
        &self,
        key: &GrantKey,
        new: &NewMachineCredential,
    ) -> Result<(MintSource, Vec<String>), BrokerError> {
        match new {
            NewMachineCredential::Derived { user, account, target, scopes } => {
                let parent = GrantKey { user: user.clone(), account: account.clone(), ..key.clone() };
                let parent = self.grants.vendable(&parent).await?.ok_or(BrokerError::GrantNotFound)?;
                let registration = self
                    .registration_to_use(&parent.grant.key, Some(&parent.grant.registration))
                    .await?
                    .ok_or(BrokerError::NoClientRegistration)?;
                let registration = ClientRegistration { scopes: Vec::new(), ..registration };
                let scopes = self.scopes_to_ask(&key.provider, scopes, &registration)?;
                let (user, account, target) = (user.clone(), account.clone(), target.clone());
                Ok((MintSource::Derived { user, account, target }, scopes))
            }
            NewMachineCredential::ClientCredentials { registration, scopes } => {
                let registration = self.registration_to_use(key, registration.as_ref()).await?;
                let registration = registration.ok_or(BrokerError::NoClientRegistration)?;
                if registration.is_public() {
                    let field = "client_credentials.client_registration_id";
                    return Err(BrokerError::InvalidRequest(vec![FieldViolation::new(field, PUBLIC_CLIENT)]));
                }
                let scopes = self.scopes_to_ask(&key.provider, scopes, &registration)?;
                Ok((MintSource::ClientCredentials { registration: registration.id }, scopes))
            }
            NewMachineCredential::ApiKey(_) => Err(BrokerError::Internal("an API key is not minted".into())),
        }
    }

    async fn seal_api_key(
        &self,
        key: &GrantKey,
        api_key: &ApiKey,
        version: RowVersion,
    ) -> Result<SealedApiKey, BrokerError> {
        let keys = self.keys.of(&key.tenant).await?;
        let owner = MachineCredential::owner(key);
        let place = MachineCredential::place(key, &owner, version);
        let entropy = self.entropy.as_ref();
        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Access).await?;
        let id = right.seal(&api_key.id, place, entropy)?;
        let right = self.keys.right_to_new(&key.tenant, &keys, KeyPurpose::Access).await?;
        let secret = right.seal(&api_key.secret, place, entropy)?;
        Ok(SealedApiKey { id, secret })
    }
}

fn api_key_violations(api_key: &ApiKey) -> Vec<FieldViolation> {
    let halves = [("api_key.id", api_key.id.expose()), ("api_key.secret", api_key.secret.expose())];
    let problem = format!("must be 1 to {LONGEST} visible ASCII characters, as it goes into a header");
    let violations = halves.into_iter().filter(|(_, half)| !fits_a_header(half));
    violations.map(|(field, _)| FieldViolation::new(field, problem.clone())).collect()
}

fn scope_violations(scopes: &[String], field: &str) -> Vec<FieldViolation> {
    let too_many = || FieldViolation::new(field, format!("must be at most {MOST_SCOPES} scopes"));
    let mut violations: Vec<_> = check_scopes(scopes, field).err().into_iter().collect();
    violations.extend((scopes.len() > MOST_SCOPES).then(too_many));
    violations
}

fn is_account(target: &str) -> bool {
    (1..=LONGEST_ACCOUNT).contains(&target.len()) && target.bytes().all(|byte| byte.is_ascii_graphic())
}

fn fits_a_header(half: &str) -> bool {
    (1..=LONGEST).contains(&half.len()) && half.bytes().all(|byte| byte.is_ascii_graphic())
}
