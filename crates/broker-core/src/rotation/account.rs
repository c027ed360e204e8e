//! Learning whose account at the provider a grant is of.

use std::sync::Arc;
use std::time::Duration;

use crate::error::chain;
use crate::ports::{Identified, IdentityRequest, ProviderClient};
use crate::{
    AccountDigest, Actor, Attempt, AuditAction, Broker, BrokerError, Grant, GrantKey, RegistrationId,
    TokenResponse,
};

/// How long one question waits for its answer.
const ASK_WITHIN: Duration = Duration::from_secs(10);

/// The pauses between questions while the answer decides. After the last the replay of the journal goes on asking.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(3)];

impl Broker {
    /// The account behind the answer's access token; `None` if it cannot be learnt from this provider. `patiently` asks
    /// again where nobody answers.
    pub(super) async fn learn_account(
        &self,
        asked: (&GrantKey, &RegistrationId),
        tokens: &TokenResponse,
        patiently: bool,
    ) -> Result<Option<AccountDigest>, BrokerError> {
        let provider = self.provider(&asked.0.provider)?;
        if !provider.identifies() {
            return Ok(None);
        }
        let mut pauses = PAUSES.iter().filter(|_| patiently);
        loop {
            let error = match self.ask_for_account(asked, tokens, provider.as_ref()).await {
                Ok(account) => return Ok(account),
                Err(error) => error,
            };
            tracing::warn!(
                grant = %asked.0.grant_id(), provider = %asked.0.provider, error = chain(&error),
                "the account of a grant could not be learnt"
            );
            let Some(pause) = pauses.next() else { return Err(error) };
            self.clock.sleep_until(self.clock.now() + *pause).await;
        }
    }

    async fn ask_for_account(
        &self,
        (key, registration): (&GrantKey, &RegistrationId),
        tokens: &TokenResponse,
        provider: &dyn ProviderClient,
    ) -> Result<Option<AccountDigest>, BrokerError> {
        let registration = self
            .tenants
            .registration(&key.tenant, &key.provider, registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let request = IdentityRequest {
            client: self.credentials(&registration).await?,
            access_token: &tokens.access_token,
            api_base_url: tokens.api_base_url.as_deref(),
        };
        match self.within(Some(ASK_WITHIN), provider.identify(request)).await {
            Some(Identified::Account(account)) => Ok(Some(self.fingerprints.account(key, &account).await?)),
            Some(Identified::Unknown) => Ok(None),
            Some(Identified::Unavailable(reason)) => {
                tracing::info!(provider = %key.provider, reason, "the provider did not say whose a token is");
                Err(BrokerError::ProviderUnavailable(self.timing.retry_base))
            }
            None => Err(BrokerError::ProviderUnavailable(self.timing.retry_base)),
        }
    }

    /// How many grants of other users of the tenant are of the same account at the provider, as far as that is known, and up
    /// to [`MOST_SHARERS`](crate::ports::MOST_SHARERS).
    pub async fn account_sharers(&self, grant: &Grant) -> Result<u32, BrokerError> {
        match grant.pinned_account() {
            Some(_) => Ok(self.grants.account_sharers(&grant.key).await?),
            None => Ok(0),
        }
    }

    /// Learns the account of a grant that was made without: nobody answered then, or it was imported unredeemed. Nobody
    /// waits for it.
    pub(super) fn learn_account_later(self: &Arc<Self>, attempt: &Attempt, tokens: TokenResponse) {
        let (broker, attempt) = (Arc::clone(self), attempt.clone());
        self.tasks.spawn(async move {
            let asked = (&attempt.key, &attempt.registration);
            // A failure is logged, and the next refresh asks again.
            if let Ok(Some(account)) = broker.learn_account(asked, &tokens, false).await {
                broker.note_account(&attempt, account).await;
            }
        });
    }

    async fn note_account(&self, attempt: &Attempt, account: AccountDigest) {
        let by = Actor::broker(AuditAction::LEARN_ACCOUNT);
        let record = by.did(Some(&attempt.key.tenant), self.clock.now()).about(&attempt.key);
        let noted = self.grants.note_account(&attempt.key, attempt.lineage, account, &record).await;
        self.cache.forget(&attempt.key);
        if let Err(error) = noted {
            tracing::warn!(grant = %attempt.grant_id(), error = chain(&error), "the account of a grant was not noted");
        }
    }
}
