//! Which client secret is tried: a refused one steps back behind the others, an accepted one is remembered (rule 9).

use std::time::Duration;

use broker_crypto::{ClientSecret, KeyPurpose, TenantKeys};

use crate::error::chain;
use crate::ports::RegistrationKey;
use crate::{
    Attempt, Broker, BrokerError, ClientRegistration, FailureKind, ProviderFailure, RegisteredSecret,
    SecretId,
};

/// An acceptance is noted so often at most: a thousand grants share the row.
const NOTE_EVERY: Duration = Duration::from_secs(60);

impl Broker {
    /// Whether another secret is to be tried after this refusal. Asked of the store, which knows of every replica's
    /// refusals and of what operators have changed meanwhile.
    pub(crate) async fn has_another_secret(
        &self,
        attempt: &Attempt,
        failure: &ProviderFailure,
        refused: Option<SecretId>,
    ) -> Result<bool, BrokerError> {
        if !matches!(failure.kind, FailureKind::ClientRejected | FailureKind::UnlabelledRefusal) {
            return Ok(false);
        }
        let key = &attempt.key;
        let found =
            self.persist(|| self.tenants.registration(&key.tenant, &key.provider, &attempt.registration));
        let Some(registration) = found.await? else { return Ok(false) };
        let only = match registration.secrets.as_slice() {
            [only] => Some(only.id),
            _ => None,
        };
        let lately = self.timing.registration_pause;
        Ok(registration.has_another_secret(refused.or(only), self.clock.now(), lately))
    }

    /// After an answer with tokens: notes that the secret tried was accepted. Best effort: nothing but the order rests on
    /// it, and the next answer notes it again.
    pub(crate) async fn note_secret_accepted(&self, registration: &ClientRegistration) {
        let now = self.clock.now();
        let lately = |secret: &&RegisteredSecret| {
            secret.refused_at.is_none()
                && secret.last_accepted_at.is_some_and(|accepted| now.since(accepted) < NOTE_EVERY)
        };
        let Some(secret) = registration.secret_to_try().filter(|secret| !lately(secret)) else { return };
        self.note_accepted(&RegistrationKey::of(registration), secret.id).await;
    }

    pub(crate) async fn note_accepted(&self, key: &RegistrationKey, secret: SecretId) {
        if let Err(error) = self.tenants.note_secret_accepted(key, secret, self.clock.now()).await {
            tracing::warn!(error = chain(&error), "it could not be noted that a client secret was accepted");
        }
    }

    pub(crate) async fn open_secret(
        &self,
        registration: &ClientRegistration,
        secret: &RegisteredSecret,
    ) -> Result<ClientSecret, BrokerError> {
        let owner = ClientRegistration::secret_owner(&registration.provider, &registration.id, secret.id);
        let place = ClientRegistration::secret_place(&registration.tenant, &owner);
        let keys = self.keys.opening(&registration.tenant, secret.sealed.key_id()).await?;
        Ok(keys.open(&secret.sealed, place)?)
    }

    pub(crate) async fn seal_secret(
        &self,
        key: &RegistrationKey,
        id: SecretId,
        secret: &ClientSecret,
        keys: &TenantKeys,
    ) -> Result<RegisteredSecret, BrokerError> {
        let owner = ClientRegistration::secret_owner(&key.provider, &key.id, id);
        let place = ClientRegistration::secret_place(&key.tenant, &owner);
        let right = self.keys.right_to_new(&key.tenant, keys, KeyPurpose::Rotation).await?;
        Ok(RegisteredSecret {
            id,
            sealed: right.seal(secret, place, self.entropy.as_ref())?,
            created_at: self.clock.now(),
            last_accepted_at: None,
            refused_at: None,
        })
    }
}
