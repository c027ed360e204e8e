//! What an answer makes of a grant: adopted, or closed with what the failure leaves behind.

use std::sync::Arc;

use broker_crypto::{Place, TenantKeys};

use super::adoption::Standing;
use super::conclusion::{Circumstances, RefusedClient, conclude, resting_phase, untouched};
use super::grace::after_grace;
use super::{Answer, NotSent, Rotated};
use crate::ports::{AdoptOutcome, AttemptEnd, ClaimedRefresh, EscrowRecord, GrantAfter, ProviderClient};
use crate::{
    Attempt, AttemptPhase, Broker, BrokerError, ClientRegistration, ConsentCause, FailureKind, Grant,
    Lifecycle, Phase, ProviderFailure, SecretId, Timestamp, TokenResponse,
};

/// A presentation that brought no tokens.
#[derive(Debug)]
pub(super) struct Failed<'a> {
    pub(super) failure: &'a ProviderFailure,
    /// What the journal has of the answer.
    pub(super) record: Option<EscrowRecord>,
    /// The client secret it was made with, if that is known.
    pub(super) secret: Option<SecretId>,
}

impl<'a> Failed<'a> {
    /// Of which nothing more is known.
    pub(super) fn alone(failure: &'a ProviderFailure) -> Self {
        Self { failure, record: None, secret: None }
    }
}

impl Broker {
    pub(super) async fn settle_refresh(
        self: &Arc<Self>,
        claimed: &ClaimedRefresh,
        answer: Answer,
        registration: &ClientRegistration,
        provider: &dyn ProviderClient,
        keys: &TenantKeys,
    ) -> Result<Rotated, BrokerError> {
        let (attempt, before) = (&claimed.attempt, &claimed.before);
        self.tell_gate(before, &answer);
        match answer {
            Answer::Tokens(mut tokens) => {
                if before.api_base_url.is_none() {
                    self.complete_base_url(&attempt.key, &mut tokens).await;
                }
                let standing = Standing {
                    wanted_at: Some(self.wanted_at(&before.key, claimed.asked_at, before.consented_at)),
                    repeated_until: self
                        .repeats_access_token(claimed, &tokens, keys)
                        .then_some(before.expires_at),
                    ..Standing::of_grant(before, registration.window(provider.profile()))
                };
                let outcome = self.adopt(attempt, &tokens, &standing, provider.profile(), keys).await?;
                if before.phase == Phase::Suspect {
                    self.note_suspect_refreshed(&before.key.provider).await;
                }
                self.note_secret_accepted(registration).await;
                if before.upstream_account.is_none() && matches!(outcome, AdoptOutcome::Adopted(_)) {
                    self.learn_missing_account(attempt, before, tokens, provider);
                }
                Ok(landing_of(outcome))
            }
            Answer::Failed(failure, record) => {
                let secret = registration.secret_to_try().map(|secret| secret.id);
                self.settle_failure(attempt, before, Failed { failure: &failure, record, secret }, provider)
                    .await
            }
            Answer::NotSent(NotSent::Unreachable) => {
                let failure = ProviderFailure::of(FailureKind::Unreachable);
                self.settle_failure(attempt, before, Failed::alone(&failure), provider).await
            }
            Answer::NotSent(NotSent::GraceOver) => {
                let last = claimed.sent_before.map_or(self.clock.now(), |sent| sent.last);
                self.let_rest(claimed, after_grace(last, &self.timing)).await
            }
            Answer::NotSent(NotSent::Overtaken) => {
                self.close_unsent(claimed, before.due_at).await?;
                Ok(Rotated::Unchanged)
            }
            Answer::NotSent(NotSent::Store(error)) => {
                self.close_unsent(claimed, before.due_at).await?;
                Err(error.into())
            }
        }
    }

    fn learn_missing_account(
        self: &Arc<Self>,
        attempt: &Attempt,
        before: &Grant,
        tokens: TokenResponse,
        provider: &dyn ProviderClient,
    ) {
        if provider.identifies() {
            let api_base_url = tokens.api_base_url.clone().or_else(|| before.api_base_url.clone());
            self.learn_account_later(attempt, TokenResponse { api_base_url, ..tokens });
        }
    }

    /// What the provider's gate learns of an answer.
    fn tell_gate(&self, grant: &Grant, answer: &Answer) {
        let unreachable = ProviderFailure::of(FailureKind::Unreachable);
        let failure = match answer {
            Answer::Tokens(_) => None,
            Answer::Failed(failure, _) => Some(failure),
            Answer::NotSent(NotSent::Unreachable) => Some(&unreachable),
            Answer::NotSent(_) => return,
        };
        self.gates.heard(&grant.key, &grant.registration, failure, self.clock.now(), self.draw());
    }

    /// Closes the attempt with what the failure makes of the grant.
    pub(super) async fn settle_failure(
        &self,
        attempt: &Attempt,
        before: &Grant,
        failed: Failed<'_>,
        provider: &dyn ProviderClient,
    ) -> Result<Rotated, BrokerError> {
        let Failed { failure, record, secret } = failed;
        let sent_at = record.as_ref().map_or(attempt.sent_at, |record| record.attempt.sent_at);
        let circumstances = Circumstances {
            before,
            mode: provider.profile().rotation,
            sent_at,
            now: self.clock.now(),
            breaker_open: self.fleet.breaker_is_open(&before.key.provider),
            registration_works: self.registration_works(before, failure).await?,
            another_secret: self.has_another_secret(attempt, failure, secret).await?,
            draw: self.draw(),
        };
        let concluded = conclude(failure, circumstances, &self.timing);
        let refused = concluded.refused_client;
        let end = AttemptEnd {
            conclusion: concluded.name,
            grant: Some(concluded.after),
            provably_unsent: failure.kind == FailureKind::Unreachable,
            pause_registration_until: refused.and_then(RefusedClient::rests_until),
            refused_secret: secret.filter(|_| refused.is_some()),
            unread: record.filter(|_| concluded.name == UNREADABLE),
            ..AttemptEnd::without_grant(attempt, circumstances.now)
        };
        if !self.close(&end).await? {
            return Ok(Rotated::Refused);
        }
        if end.grant.as_ref().is_some_and(|after| after.lifecycle == LOST) {
            self.measures.losses.lost(before);
        }
        if [DEAD_TOKEN, UNREADABLE].contains(&end.conclusion) {
            self.note_bad_answer(&attempt.key.provider).await;
        }
        match refused {
            Some(RefusedClient::TriesNextSecret) => Ok(Rotated::SecretRefused),
            Some(RefusedClient::RestsUntil(_)) | None => Ok(Rotated::Refused),
        }
    }

    /// Rule 9: whether a bare refusal is the token's fault, because the registration works for others. Asked at the
    /// second refusal only: the first waits for the others.
    async fn registration_works(
        &self,
        grant: &Grant,
        failure: &ProviderFailure,
    ) -> Result<bool, BrokerError> {
        let first = grant.last_failure.as_ref().filter(|last| last.kind == failure.kind);
        let (FailureKind::UnlabelledRefusal, Some(first)) = (failure.kind, first) else { return Ok(false) };
        let key = &grant.key;
        let works = self.persist(|| {
            let (tenant, provider) = (&key.tenant, &key.provider);
            self.grants.registration_works_since(tenant, provider, &grant.registration, grant.id, first.since)
        });
        Ok(works.await?)
    }

    /// The request could not be made. That a backend was away is nothing of the grant; anything else is kept with it,
    /// so that it is tried ever more rarely.
    pub(super) async fn settle_unmade(
        &self,
        claimed: &ClaimedRefresh,
        error: BrokerError,
        provider: &dyn ProviderClient,
    ) -> Result<Rotated, BrokerError> {
        if let BrokerError::BackendUnavailable(_) = error {
            self.close_unsent(claimed, claimed.before.due_at).await?;
        } else {
            let failure = ProviderFailure::of(FailureKind::Internal);
            self.settle_failure(&claimed.attempt, &claimed.before, Failed::alone(&failure), provider).await?;
        }
        Err(error)
    }

    /// The token must not be presented before that time.
    pub(super) async fn let_rest(
        &self,
        claimed: &ClaimedRefresh,
        until: Timestamp,
    ) -> Result<Rotated, BrokerError> {
        self.close_unsent(claimed, Some(until)).await?;
        Ok(Rotated::Refused)
    }

    /// An attempt of this very run is open, and no flight of the grant but the asking one is under way. Either its late
    /// answer is still read, or its task ended abnormally: unsent it is given back at once; sent, it is abandoned, and
    /// the next heartbeat sees to it.
    pub(super) async fn settle_busy(&self, open: &Attempt) -> Result<Rotated, BrokerError> {
        let idle = open.owner == self.incarnation && !self.presenting.contains(open.id);
        if idle && open.phase == AttemptPhase::Claimed {
            self.give_back(open).await?;
        }
        Ok(Rotated::StillRunning)
    }

    /// Closes an attempt that wrote nothing: the grant is as the claim found it, due at `due_at`.
    async fn close_unsent(
        &self,
        claimed: &ClaimedRefresh,
        due_at: Option<Timestamp>,
    ) -> Result<(), BrokerError> {
        let before = &claimed.before;
        let after = GrantAfter { phase: resting_phase(before), ..untouched(before, due_at) };
        self.close(&AttemptEnd::unsent(&claimed.attempt, Some(after), self.clock.now())).await.map(|_| ())
    }

    /// Rule 11: a provider may answer the access token it answered before; that is success.
    fn repeats_access_token(
        &self,
        claimed: &ClaimedRefresh,
        tokens: &TokenResponse,
        keys: &TenantKeys,
    ) -> bool {
        let owner = claimed.before.id.to_string();
        let generation = claimed.before.generation.get();
        let place = Place { tenant: claimed.before.key.tenant.as_str(), owner: &owner, generation };
        keys.open(&claimed.access_token, place)
            .is_ok_and(|held| held.expose() == tokens.access_token.expose())
    }
}

/// Conclusions that count against the provider (rule 10).
const DEAD_TOKEN: &str = "dead_token";
const UNREADABLE: &str = "unreadable";

/// What becomes of a grant in doubt whose token proves dead.
const LOST: Lifecycle = Lifecycle::NeedsConsent(ConsentCause::LostRotation);

fn landing_of(outcome: AdoptOutcome) -> Rotated {
    match outcome {
        AdoptOutcome::Adopted(_) | AdoptOutcome::AlreadyAdopted(_) => Rotated::Adopted,
        AdoptOutcome::Moved(_)
        | AdoptOutcome::Superseded
        | AdoptOutcome::AccountChanged
        | AdoptOutcome::DuplicateToken
        | AdoptOutcome::Revoking => Rotated::Unchanged,
    }
}
