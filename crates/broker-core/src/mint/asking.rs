//! Asking for a token of the client itself (RFC 6749 §4.4).

use std::sync::Arc;

use super::making::Fresh;
use crate::administer::OpenGate;
use crate::ports::{CallError, Presentation, ProviderClient, RawResponse, TokenOutcome, TokenRequest};
use crate::{
    Broker, BrokerError, ClientRegistration, FailureKind, GrantKey, ProviderFailure, RegistrationId,
};

/// Nothing but the client is shown, so a bare refusal is of it, too.
fn is_of_client(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::ClientRejected | FailureKind::UnlabelledRefusal)
}

impl Broker {
    /// Asks with each client secret in turn while they are refused.
    pub(super) async fn ask_as_client(
        &self,
        key: &GrantKey,
        registration: &RegistrationId,
        scopes: &[String],
    ) -> Result<Result<Fresh, ProviderFailure>, BrokerError> {
        let provider = self.provider(&key.provider)?;
        let registration = self.tenants.registration(&key.tenant, &key.provider, registration).await?;
        let mut trying = registration.ok_or(BrokerError::NoClientRegistration)?;
        let mut left = trying.secrets.len();
        loop {
            let outcome = self.ask_with(provider.as_ref(), &trying, scopes).await?;
            left = left.saturating_sub(1);
            match self.heard_of_mint(key, &trying.id, outcome) {
                Err(failure) if is_of_client(failure.kind) && left > 0 => {
                    trying.secrets.rotate_left(1);
                }
                Err(failure) => return Ok(Err(failure)),
                Ok(fresh) => {
                    self.note_secret_accepted(&trying).await;
                    return Ok(Ok(fresh));
                }
            }
        }
    }

    async fn ask_with(
        &self,
        provider: &dyn ProviderClient,
        registration: &ClientRegistration,
        scopes: &[String],
    ) -> Result<TokenOutcome, BrokerError> {
        let request = TokenRequest {
            client: self.credentials(registration).await?,
            presentation: Presentation::ClientCredentials,
            scopes: scopes.to_vec(),
        };
        let answer = provider.call(request, Arc::new(OpenGate)).await;
        Ok(read(answer, |response| provider.interpret(response)))
    }

    /// Tells the gate of the provider what it answered.
    pub(super) fn heard_of_mint(
        &self,
        key: &GrantKey,
        registration: &RegistrationId,
        outcome: TokenOutcome,
    ) -> Result<Fresh, ProviderFailure> {
        let heard = |failure: Option<&ProviderFailure>| {
            self.gates.heard(key, registration, failure, self.clock.now(), self.draw());
        };
        match outcome {
            TokenOutcome::Granted(tokens) => {
                heard(None);
                Ok(Fresh { tokens, lineage: None })
            }
            TokenOutcome::Failed(failure) => {
                heard(Some(&failure));
                Err(failure)
            }
        }
    }
}

/// What came of a call. Whether the provider has made a token whose answer was lost is of no account.
pub(super) fn read(
    answer: Result<RawResponse, CallError>,
    interpret: impl FnOnce(&RawResponse) -> TokenOutcome,
) -> TokenOutcome {
    match answer {
        Ok(response) => interpret(&response),
        Err(CallError::Unsent(reason)) => {
            tracing::info!(reason, "a token could not be asked for");
            TokenOutcome::Failed(ProviderFailure::of(FailureKind::Unreachable))
        }
        Err(CallError::Lost(reason)) => {
            tracing::info!(reason, "the answer with a minted token was lost");
            TokenOutcome::Failed(ProviderFailure::of(FailureKind::Uncertain))
        }
    }
}
