//! Asking a provider whether it accepts a client, without any grant.
//!
//! The token endpoint is shown a refresh token that was made up on the spot, or by a public client a code, since PKCE is
//! all it can prove itself with. An authorization server authenticates the client before it looks at what is presented
//! (RFC 6749 §5.2), and so do both known providers: `invalid_grant` means that the client was accepted, `invalid_client`
//! that it was not. Nothing real is presented, so there is no attempt to make durable and no answer to keep.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_crypto::{AuthorizationCode, CodeVerifier, RefreshToken};
use futures_util::future::join_all;

use crate::ports::{
    CallError, ClientCredentials, Presentation, ProviderClient, RegistrationKey, SendGate, SendRefused,
    TokenOutcome, TokenRequest,
};
use crate::{
    Broker, BrokerError, ClientRegistration, FailureKind, ProviderFailure, RegisteredSecret, SecretId,
};

/// What the provider said to one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientSecretTest {
    /// The secret; `None` for a public client.
    pub secret: Option<SecretId>,
    /// The verdict.
    pub verdict: ClientVerdict,
    /// The OAuth error code, if the provider sent one.
    pub oauth_error: Option<String>,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
}

/// Whether the provider accepts a client with one of its secrets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientVerdict {
    /// It does.
    Accepted,
    /// It does not.
    Rejected,
    /// There was no answer in time.
    Unreachable,
    /// The answer allows no conclusion.
    Inconclusive,
}

impl Broker {
    /// Asks the provider of each secret of a registration, of all at once; no longer than `wait`, or the default.
    pub async fn test_registration(
        &self,
        key: &RegistrationKey,
        wait: Option<Duration>,
    ) -> Result<Vec<ClientSecretTest>, BrokerError> {
        let provider = self.provider(&key.provider)?;
        let registration = self.registration(key).await?;
        let mut secrets: Vec<Option<&RegisteredSecret>> = registration.secrets.iter().map(Some).collect();
        if registration.is_public() {
            secrets.push(None);
        }
        let mut tests = Vec::with_capacity(secrets.len());
        for secret in secrets {
            let client_secret = match secret {
                Some(secret) => Some(self.open_secret(&registration, secret).await?),
                None => None,
            };
            let client = ClientCredentials { client_id: registration.client_id.clone(), client_secret };
            let request = self.made_up_request(client, &registration);
            let id = secret.map(|secret| secret.id);
            tests.push(self.ask_within(wait, id, provider.as_ref(), request));
        }
        let tests = join_all(tests).await;
        self.note_tested(key, &tests).await;
        Ok(tests)
    }

    async fn ask_within(
        &self,
        wait: Option<Duration>,
        secret: Option<SecretId>,
        provider: &dyn ProviderClient,
        request: TokenRequest,
    ) -> ClientSecretTest {
        let silence = ClientSecretTest {
            secret,
            verdict: ClientVerdict::Unreachable,
            oauth_error: None,
            http_status: None,
        };
        match self.within(wait, provider.call(request, Arc::new(OpenGate))).await {
            None | Some(Err(CallError::Unsent(_) | CallError::Lost(_))) => silence,
            Some(Ok(response)) => {
                let http_status = Some(response.status);
                match provider.interpret(&response) {
                    TokenOutcome::Granted(_) => {
                        ClientSecretTest { verdict: ClientVerdict::Inconclusive, http_status, ..silence }
                    }
                    TokenOutcome::Failed(failure) => ClientSecretTest {
                        verdict: verdict(&failure),
                        oauth_error: failure.oauth_error,
                        http_status,
                        ..silence
                    },
                }
            }
        }
    }

    /// An accepted secret is one that the provider has accepted, whoever asked.
    async fn note_tested(&self, key: &RegistrationKey, tests: &[ClientSecretTest]) {
        for test in tests.iter().filter(|test| test.verdict == ClientVerdict::Accepted) {
            if let Some(secret) = test.secret {
                self.note_accepted(key, secret).await;
            }
        }
    }

    fn made_up_request(&self, client: ClientCredentials, registration: &ClientRegistration) -> TokenRequest {
        let made_up = || CodeVerifier::generate(self.entropy.as_ref());
        let presentation = match client.client_secret {
            Some(_) => Presentation::RefreshToken(RefreshToken::new(made_up().expose())),
            None => Presentation::AuthorizationCode {
                code: AuthorizationCode::new(made_up().expose()),
                redirect_uri: registration.redirect_uri.clone(),
                verifier: made_up(),
            },
        };
        TokenRequest { client, presentation, scopes: registration.scopes.clone() }
    }
}

/// Lets everything pass: nothing depends on what is sent.
pub(crate) struct OpenGate;

#[async_trait]
impl SendGate for OpenGate {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Ok(())
    }
}

fn verdict(failure: &ProviderFailure) -> ClientVerdict {
    match failure.kind {
        FailureKind::DeadToken => ClientVerdict::Accepted,
        FailureKind::ClientRejected => ClientVerdict::Rejected,
        FailureKind::Unreachable => ClientVerdict::Unreachable,
        FailureKind::UnlabelledRefusal
        | FailureKind::Throttled
        | FailureKind::Refused
        | FailureKind::Uncertain
        | FailureKind::Internal => ClientVerdict::Inconclusive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_refusal_is_a_verdict() {
        for (kind, expected) in [
            (FailureKind::DeadToken, ClientVerdict::Accepted),
            (FailureKind::ClientRejected, ClientVerdict::Rejected),
            (FailureKind::UnlabelledRefusal, ClientVerdict::Inconclusive),
            (FailureKind::Uncertain, ClientVerdict::Inconclusive),
        ] {
            assert_eq!(verdict(&ProviderFailure::of(kind)), expected, "{kind:?}");
        }
    }
}
