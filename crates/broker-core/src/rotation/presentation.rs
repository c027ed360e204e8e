//! Presenting a token or code to a provider: SENT before the bytes, escrow before the reading.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use broker_crypto::{ClientSecret, TenantKeys};

use crate::ports::{
    CallError, ClientCredentials, EscrowRecord, GrantStore, ProviderClient, RawResponse, SendGate,
    SendRefused, StoreError, TokenOutcome, TokenRequest,
};
use crate::{
    Attempt, Broker, BrokerError, ClientRegistration, Clock, FailureKind, ProviderFailure, TokenResponse,
};

/// What presenting brought.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Tokens, in escrow and not yet adopted.
    Tokens(TokenResponse),
    /// None.
    Failed(ProviderFailure),
    /// The provider was not asked: SENT could not be committed.
    NotSent(NotSent),
}

/// Why SENT was not committed.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// The attempt is not open any more: a newer lineage or token set has overtaken it.
    Overtaken,
    /// The store did not answer.
    Store(StoreError),
}

impl Broker {
    /// Calls the token endpoint for an open attempt.
    pub(crate) async fn present(
        &self,
        attempt: &Attempt,
        provider: &Arc<dyn ProviderClient>,
        request: TokenRequest,
        keys: &TenantKeys,
    ) -> Answer {
        let refusal = Arc::new(Mutex::new(None));
        let gate = AttemptGate {
            grants: self.grants.clone(),
            clock: self.clock.clone(),
            attempt: attempt.clone(),
            refusal: refusal.clone(),
        };
        match provider.call(request, Arc::new(gate)).await {
            Ok(response) => {
                self.escrow_response(attempt, &response, keys).await;
                read_answer(provider.as_ref(), &response)
            }
            Err(CallError::Unsent(reason)) => {
                if let Some(not_sent) = refusal.lock().unwrap_or_else(PoisonError::into_inner).take() {
                    return Answer::NotSent(not_sent);
                }
                tracing::info!(attempt = %attempt.id, reason, "nothing was sent to the provider");
                Answer::Failed(ProviderFailure::of(FailureKind::Unreachable))
            }
            Err(CallError::Lost(reason)) => {
                tracing::warn!(attempt = %attempt.id, reason, "the provider's answer was lost");
                Answer::Failed(ProviderFailure::of(FailureKind::Uncertain))
            }
        }
    }

    /// Rule 4: a response that cannot be escrowed is adopted all the same.
    async fn escrow_response(&self, attempt: &Attempt, response: &RawResponse, keys: &TenantKeys) {
        let id = attempt.id;
        let owner = EscrowRecord::owner(id, response.status, response.received_at);
        let place = EscrowRecord::place(&attempt.key.tenant, &owner);
        let body = match keys.seal(&response.body, place, self.entropy.as_ref()) {
            Ok(body) => body,
            Err(error) => return tracing::error!(attempt = %id, %error, "a response could not be sealed"),
        };
        let record = EscrowRecord {
            tenant: attempt.key.tenant.clone(),
            attempt: attempt.id,
            status: response.status,
            received_at: response.received_at,
            body,
        };
        if let Err(error) = self.escrow.append(&record).await {
            tracing::error!(attempt = %id, %error, "a response could not be escrowed");
        }
    }

    /// How the registration authenticates, its secret opened.
    pub(crate) fn credentials(
        &self,
        registration: &ClientRegistration,
        keys: &TenantKeys,
    ) -> Result<ClientCredentials, BrokerError> {
        let owner = ClientRegistration::secret_owner(&registration.provider, &registration.id);
        let place = ClientRegistration::secret_place(&registration.tenant, &owner);
        let open = |sealed| keys.open::<ClientSecret>(sealed, place);
        let client_secret = registration.client_secret.as_ref().map(open).transpose()?;
        Ok(ClientCredentials { client_id: registration.client_id.clone(), client_secret })
    }
}

/// What a response means, for the middle.
pub(crate) fn read_answer(provider: &dyn ProviderClient, response: &RawResponse) -> Answer {
    match provider.interpret(response) {
        TokenOutcome::Granted(tokens) => Answer::Tokens(tokens),
        TokenOutcome::Failed(failure) => Answer::Failed(failure),
    }
}

/// Commits SENT for one attempt, and remembers why it could not.
struct AttemptGate {
    grants: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    attempt: Attempt,
    /// Shared with who waits for the call: a connection may hold on to the gate for longer.
    refusal: Arc<Mutex<Option<NotSent>>>,
}

#[async_trait]
impl SendGate for AttemptGate {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        let not_sent = match self.grants.mark_sent(&self.attempt, self.clock.now()).await {
            Ok(true) => return Ok(()),
            Ok(false) => NotSent::Overtaken,
            Err(error) => NotSent::Store(error),
        };
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(not_sent);
        Err(SendRefused)
    }
}
