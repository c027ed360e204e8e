//! The secrets of a registration: changed without a gap by adding the new one before the old one is retired.

use std::sync::Arc;

use broker_crypto::ClientSecret;

use super::outcome::id_reused;
use crate::ports::{NewSecret, RegistrationKey, RequestMark, RetireOutcome, SecretOutcome, SecretRetirement};
use crate::{
    Actor, AuditRecord, Broker, BrokerError, ClientRegistration, FieldViolation, RequestId, RowVersion,
    SecretId,
};

/// Secrets a registration may have at once: each refused one costs every rotation in flight one more call.
const MOST_SECRETS: u32 = 10;

/// A secret to add.
#[derive(Debug)]
pub struct AddSecret {
    /// The registration.
    pub key: RegistrationKey,
    /// The secret.
    pub client_secret: ClientSecret,
    /// To be tried before the others instead of after them.
    pub prefer: bool,
    /// The caller's id of the request, if it may be repeated.
    pub request: Option<RequestId>,
}

impl Broker {
    /// Adds a secret to a confidential registration, and answers the registration and the secret's id. A registration
    /// that rests is tried at once, by one grant. A repeated request answers the secret it has added.
    pub async fn add_secret(
        self: &Arc<Self>,
        add: AddSecret,
        by: &Actor,
    ) -> Result<(ClientRegistration, SecretId), BrokerError> {
        let prefer = if add.prefer { "prefer" } else { "" };
        let names = [add.key.tenant.as_str(), add.key.provider.as_str(), add.key.id.as_str(), prefer];
        let request = self.mark(add.request, "AddClientSecret", &names);
        loop {
            let registration = self.registration(&add.key).await?;
            let new = self.seal_next(&registration, &add, request).await?;
            let id = new.secret.id;
            let record = self.secret_record(&add.key, id, by);
            match self.tenants.add_secret(&new, &record).await? {
                SecretOutcome::Added => return Ok((self.try_again(&add.key).await?, id)),
                SecretOutcome::NumberTaken => {}
                SecretOutcome::Absent => return Err(self.no_registration(&add.key)),
                SecretOutcome::Full => return Err(full()),
                SecretOutcome::IdReused => return Err(id_reused()),
                SecretOutcome::Repeated(id) => {
                    let registration = self.registration(&add.key).await?;
                    self.check_same_secret(&registration, id, Some(&add.client_secret)).await?;
                    return Ok((registration, id));
                }
            }
        }
    }

    /// Erases a secret. A registration that rests is tried at once, by one grant.
    pub async fn retire_secret(
        self: &Arc<Self>,
        key: &RegistrationKey,
        secret: SecretId,
        expected: Option<RowVersion>,
        by: &Actor,
    ) -> Result<ClientRegistration, BrokerError> {
        let retirement = SecretRetirement { key: key.clone(), secret, expected, at: self.clock.now() };
        let record = self.secret_record(key, secret, by);
        match self.tenants.retire_secret(&retirement, &record).await? {
            RetireOutcome::Retired => self.try_again(key).await,
            RetireOutcome::Absent => Err(self.no_registration(key)),
            RetireOutcome::NoSuchSecret => Err(BrokerError::ResourceNotFound("client secret")),
            RetireOutcome::Stale => Err(BrokerError::EtagMismatch),
            RetireOutcome::Last => Err(BrokerError::ResourceInUse(
                "it is the last secret of a confidential client; add another one first",
            )),
        }
    }

    fn secret_record(&self, key: &RegistrationKey, secret: SecretId, by: &Actor) -> AuditRecord {
        let resource = key.secret_resource(secret);
        by.did(Some(&key.tenant), self.clock.now()).at_provider(&key.provider).resource(resource)
    }

    async fn seal_next(
        &self,
        registration: &ClientRegistration,
        add: &AddSecret,
        request: Option<RequestMark>,
    ) -> Result<NewSecret, BrokerError> {
        if registration.is_public() {
            return Err(violation("a public client has no secrets: create a confidential registration"));
        }
        if add.client_secret.expose().is_empty() {
            return Err(violation("must not be empty"));
        }
        let id = registration.next_secret_id().ok_or_else(full)?;
        let keys = self.keys.of(&add.key.tenant).await?;
        let secret = self.seal_secret(&add.key, id, &add.client_secret, &keys).await?;
        Ok(NewSecret { key: add.key.clone(), secret, prefer: add.prefer, most: MOST_SECRETS, request })
    }

    /// The registration after a change of its secrets; one that rests gets its canary.
    async fn try_again(self: &Arc<Self>, key: &RegistrationKey) -> Result<ClientRegistration, BrokerError> {
        let registration = self.registration(key).await?;
        if registration.rejected {
            self.send_canary(key).await;
        }
        Ok(registration)
    }
}

fn full() -> BrokerError {
    violation("would be one secret more than a registration may have; retire one first")
}

fn violation(problem: &str) -> BrokerError {
    BrokerError::InvalidRequest(vec![FieldViolation::new("client_secret", problem)])
}
