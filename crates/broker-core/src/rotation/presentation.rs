//! Presenting a token or code to a provider: SENT before the bytes, escrow before the reading.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use broker_crypto::SealRight;
use tracing::{Instrument as _, Span, debug_span};

use super::escrowed::Escrowed;
use crate::error::chain;
use crate::ports::{
    CallError, ClientCredentials, Durability, EscrowRecord, GrantStore, News, Presentation, ProviderClient,
    RawResponse, SPANS, SendGate, SendRefused, SentMark, SentOutcome, StoreError, TokenOutcome, TokenRequest,
    Wakeup, Wakeups,
};
use crate::{
    Attempt, AttemptKind, Broker, BrokerError, ClientRegistration, Clock, FailureKind, ProviderFailure,
    Timestamp, TokenResponse,
};

/// What presenting brought.
#[derive(Debug)]
pub(crate) enum Answer {
    /// Tokens, in escrow and not yet adopted.
    Tokens(TokenResponse),
    /// None, and what was answered instead, if anything was.
    Failed(ProviderFailure, Option<EscrowRecord>),
    /// Provably not one byte was written, for this reason.
    NotSent(NotSent),
}

/// A presentation that has ended.
#[derive(Debug)]
pub(crate) struct Presented {
    /// When SENT was committed, if it was.
    pub(crate) sent_at: Option<Timestamp>,
    /// What it brought.
    pub(crate) answer: Answer,
    /// Its place in the journal, held until the store has it.
    pub(crate) escrowed: Option<Escrowed>,
}

/// Why SENT was not committed.
#[derive(Debug)]
pub(crate) enum NotSent {
    /// The attempt is not open any more: a newer lineage or token set has overtaken it.
    Overtaken,
    /// The provider's grace may be over.
    GraceOver,
    /// The store did not answer.
    Store(StoreError),
    /// No connection, or it broke before the body.
    Unreachable,
}

impl Broker {
    /// Calls the token endpoint for an open attempt. `replay_within` is as in [`SentMark`]; `sent_at` is set once SENT is
    /// committed. What is answered is sealed by `right`, whatever becomes of the store meanwhile.
    pub(crate) async fn present(
        &self,
        attempt: &Attempt,
        provider: &Arc<dyn ProviderClient>,
        request: TokenRequest,
        replay_within: Option<Duration>,
        sent_at: Arc<OnceLock<Timestamp>>,
        right: SealRight,
    ) -> Presented {
        let gate = Arc::new(AttemptGate {
            grants: self.grants.clone(),
            clock: self.clock.clone(),
            attempt: attempt.clone(),
            wakeups: self.wakeups.clone(),
            replay_within,
            sent_at,
            refusal: Mutex::new(None),
            span: Span::current(),
        });
        let polls = matches!(request.presentation, Presentation::DeviceCode(_));
        let mut escrowed = None;
        let called_at = self.clock.now();
        let called = provider.call(request, gate.clone()).await;
        self.note_called(attempt, called_at, called.as_ref().ok());
        let answer = match called {
            // The journal keeps the last record of a grant, and that may be of a refresh. Waiting for a user must not
            // push it out: an error has no tokens, whatever its body says.
            Ok(response) if polls && response.status >= 400 => {
                read_answer(provider.as_ref(), &response, None)
            }
            Ok(response) => {
                let sent = Attempt { sent_at: gate.sent_at.get().copied(), ..attempt.clone() };
                let record = self.escrow_response(&sent, &response, right).await;
                escrowed = record.as_ref().map(|record| {
                    self.escrow_counts.written(record.received_at, record.body.as_bytes().len())
                });
                read_answer(provider.as_ref(), &response, record)
            }
            Err(CallError::Unsent(reason)) => {
                tracing::info!(attempt = %attempt.id, reason, "nothing was sent to the provider");
                let refusal = gate.refusal.lock().unwrap_or_else(PoisonError::into_inner).take();
                Answer::NotSent(refusal.unwrap_or(NotSent::Unreachable))
            }
            Err(CallError::Lost(reason)) => {
                tracing::warn!(attempt = %attempt.id, reason, "the provider's answer was lost");
                Answer::Failed(ProviderFailure::of(FailureKind::Uncertain), None)
            }
        };
        Presented { sent_at: gate.sent_at.get().copied(), answer, escrowed }
    }

    fn note_called(&self, attempt: &Attempt, at: Timestamp, answer: Option<&RawResponse>) {
        let called = Some((at, self.clock.now()));
        self.presenting.note(attempt.id, |story| {
            (story.called, story.status) = (called, answer.map(|answer| answer.status));
        });
    }

    /// Rule 4: a response that cannot be escrowed is adopted all the same.
    async fn escrow_response(
        &self,
        attempt: &Attempt,
        response: &RawResponse,
        right: SealRight,
    ) -> Option<EscrowRecord> {
        let owner = EscrowRecord::owner(attempt, response.status, response.received_at);
        let place = EscrowRecord::place(&attempt.key.tenant, &owner);
        let sealed = right.seal(&response.body, place, self.entropy.as_ref());
        let body = sealed
            .inspect_err(
                |error| tracing::error!(attempt = %attempt.id, %error, "a response could not be sealed"),
            )
            .ok()?;
        let record = EscrowRecord {
            attempt: attempt.clone(),
            status: response.status,
            received_at: response.received_at,
            body,
        };
        let durability = if self.fleet.store_is_away() { Durability::Machine } else { Durability::Process };
        let kept = self.escrow.append(&record, durability);
        if let Err(error) = kept.instrument(debug_span!(target: SPANS, "escrow")).await {
            tracing::error!(attempt = %attempt.id, error = chain(&error), "a response could not be escrowed");
        }
        Some(record)
    }

    /// How the registration authenticates now, its secret opened.
    pub(crate) async fn credentials(
        &self,
        registration: &ClientRegistration,
    ) -> Result<ClientCredentials, BrokerError> {
        let client_secret = match registration.secret_to_try() {
            Some(secret) => Some(self.open_secret(registration, secret).await?),
            None => None,
        };
        Ok(ClientCredentials { client_id: registration.client_id.clone(), client_secret })
    }
}

/// What a response means, for the middle. `record` is what the journal has of it.
pub(crate) fn read_answer(
    provider: &dyn ProviderClient,
    response: &RawResponse,
    record: Option<EscrowRecord>,
) -> Answer {
    match provider.interpret(response) {
        TokenOutcome::Granted(tokens) => Answer::Tokens(tokens),
        TokenOutcome::Failed(failure) => Answer::Failed(failure, record),
    }
}

/// Commits SENT for one attempt, and remembers when, or why it could not.
struct AttemptGate {
    grants: Arc<dyn GrantStore>,
    clock: Arc<dyn Clock>,
    attempt: Attempt,
    wakeups: Arc<dyn Wakeups>,
    replay_within: Option<Duration>,
    sent_at: Arc<OnceLock<Timestamp>>,
    refusal: Mutex<Option<NotSent>>,
    /// Of the presentation: a connection's task asks, and that is in none.
    span: Span,
}

#[async_trait]
impl SendGate for AttemptGate {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        let at = self.clock.now();
        let mark = SentMark { attempt: self.attempt.clone(), at, replay_within: self.replay_within };
        let not_sent = match self.grants.mark_sent(&mark).instrument(self.span.clone()).await {
            Ok(SentOutcome::Marked) => {
                // Set once: the gate of a body is asked once.
                let _ = self.sent_at.set(at);
                self.wakeups.announce(Wakeup {
                    grant: self.attempt.grant_id(),
                    generation: self.attempt.generation,
                    news: match self.attempt.kind {
                        AttemptKind::Refresh => News::Sent,
                        AttemptKind::CodeExchange(_) => News::Consenting,
                    },
                });
                return Ok(());
            }
            Ok(SentOutcome::Overtaken) => NotSent::Overtaken,
            Ok(SentOutcome::GraceOver) => NotSent::GraceOver,
            Err(error) => NotSent::Store(error),
        };
        *self.refusal.lock().unwrap_or_else(PoisonError::into_inner) = Some(not_sent);
        Err(SendRefused)
    }
}
