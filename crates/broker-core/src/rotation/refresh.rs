//! One refresh function, two callers: the vend that found a token too old, and the scheduler.

use std::sync::{Arc, OnceLock};

use broker_crypto::{Place, SealRight, TenantKeys};
use tracing::{Instrument as _, Span, debug_span, field};

use super::flights::Landing;
use super::grace::{Permit, permit};
use super::late;
use super::story::ROTATION;
use super::{Flight, Rotated, RotationError, Story, Trigger};
use crate::error::chain;
use crate::ports::{
    ClaimOutcome, ClaimedRefresh, Lease, LeaseOutcome, Presentation, ProviderClient, RefreshClaim, SPANS,
    TokenRequest,
};
use crate::{AttemptId, Broker, BrokerError, ClientRegistration, Generation, GrantKey, Phase, Timestamp};

impl Broker {
    /// Joins the rotation of this grant that is running, or starts one. It runs to its end whoever hangs up.
    pub(crate) fn start_rotation(
        self: &Arc<Self>,
        key: &GrantKey,
        generation: Generation,
        trigger: Trigger,
    ) -> Flight {
        let (broker, of) = (Arc::clone(self), key.clone());
        self.flights.join_or_start(
            key.grant_id(),
            || rotation_span(key, trigger),
            |landing, span| {
                let rotation = async move {
                    let rotated = broker.rotate(&of, generation, trigger, &landing).await;
                    broker.cache.doubt_key(&of);
                    broker.gates.ended(&of.provider, broker.clock.now());
                    landing.land(rotated);
                };
                self.tasks.spawn(rotation.instrument(span));
            },
        )
    }

    /// Each client secret that is refused is followed by a rotation of its own with the next one, until one is accepted or
    /// all were refused lately (rule 9).
    async fn rotate(
        self: &Arc<Self>,
        key: &GrantKey,
        generation: Generation,
        trigger: Trigger,
        landing: &Landing,
    ) -> Rotated {
        loop {
            match self.rotate_once(key, generation, trigger, landing).await {
                Rotated::SecretRefused => {}
                rotated => return rotated,
            }
        }
    }

    async fn rotate_once(
        self: &Arc<Self>,
        key: &GrantKey,
        generation: Generation,
        trigger: Trigger,
        landing: &Landing,
    ) -> Rotated {
        if let Some(barred) = self.fleet.barred() {
            return Rotated::Failed(RotationError::Backend(Arc::new(barred)));
        }
        if let Some(until) = self.pauses.until(key, self.clock.now()) {
            return Rotated::RefreshPaused(until);
        }
        let began = self.clock.now();
        let mut lease = match self.lease(key).await {
            Ok(lease) => lease,
            Err(held_elsewhere) => return held_elsewhere,
        };
        let lease_wait = Some(self.clock.now().since(began));
        let story = Story { lease_wait, ..Story::begun_by(trigger) };
        let rotated = self.rotate_leased(key, generation, story, landing, &mut lease).await;
        self.give_back_lease(lease).await;
        rotated.unwrap_or_else(|error| {
            tracing::error!(grant = %key.grant_id(), error = chain(&error), "a rotation failed");
            Rotated::Failed(error.into())
        })
    }

    /// A lease only saves work: without an answer from its backend the store alone decides. So it does for a grant in
    /// doubt: the lease may be a dead replica's, and a provider's grace does not wait until it runs out (rule 7).
    async fn lease(&self, key: &GrantKey) -> Result<Option<Lease>, Rotated> {
        let grant = key.grant_id();
        let asking = self.leases.acquire(grant, self.timing.lease_ttl);
        let asked = asking.instrument(debug_span!(target: SPANS, "lease")).await;
        self.measures.leases.count(match &asked {
            Ok(LeaseOutcome::Held(_)) => "acquired",
            Ok(LeaseOutcome::Taken) => "contended",
            Err(_) => "unavailable",
        });
        match asked {
            Ok(LeaseOutcome::Held(lease)) => {
                self.patience.restore(grant);
                Ok(Some(lease))
            }
            Ok(LeaseOutcome::Taken) if self.patience.is_over(grant, self.clock.now()) => Ok(None),
            Ok(LeaseOutcome::Taken) if self.is_in_doubt(key).await => Ok(None),
            Ok(LeaseOutcome::Taken) => Err(Rotated::StillRunning),
            Err(error) => {
                tracing::warn!(error = chain(&error), "rotating without a lease");
                Ok(None)
            }
        }
    }

    async fn is_in_doubt(&self, key: &GrantKey) -> bool {
        let held = self.grants.vendable(key).await;
        matches!(held, Ok(Some(held)) if held.grant.phase == Phase::Uncertain)
    }

    pub(super) async fn give_back_lease(&self, lease: Option<Lease>) {
        if let Some(lease) = lease
            && let Err(error) = self.leases.release(lease).await
        {
            tracing::warn!(error = chain(&error), "a lease was not released; it will run out");
        }
    }

    async fn rotate_leased(
        self: &Arc<Self>,
        key: &GrantKey,
        generation: Generation,
        story: Story,
        landing: &Landing,
        lease: &mut Option<Lease>,
    ) -> Result<Rotated, BrokerError> {
        let provider = self.provider(&key.provider)?;
        let keys = self.keys.of(&key.tenant).await?;
        self.escrow.reserve().await.map_err(|error| BrokerError::BackendUnavailable(Box::new(error)))?;
        let right = self.keys.right_to_answer(&key.tenant, &keys).await?;
        let claim = self.refresh_claim(key, generation);
        // Held from before the claim: once its row can be seen, whoever finds it must see that it is being worked on.
        let mut presenting = self.presenting.hold(claim.attempt, story);
        let outcome = self.grants.claim_refresh(&claim).await.inspect_err(|_| {
            self.give_back_lost_claim(key.tenant.clone(), claim.attempt);
        });
        match outcome? {
            ClaimOutcome::Claimed(claimed) => {
                presenting.claimed(&key.tenant);
                self.note_due(&claimed);
                let began = self.note_claimed(&claimed);
                let rotated = self.refresh_claimed(*claimed, provider, (&keys, right), landing, lease).await;
                self.measures.rotation_duration.observe(&key.provider, self.clock.now().since(began));
                let rotated = rotated?;
                presenting.settled();
                Ok(rotated)
            }
            ClaimOutcome::Busy(open) => {
                self.patience.restore(open.grant_id());
                self.settle_busy(&open).await
            }
            ClaimOutcome::Undecided(_) => Ok(Rotated::Refused),
            ClaimOutcome::RegistrationPaused(until) => Ok(Rotated::RegistrationPaused(until)),
            ClaimOutcome::OtherEpoch => {
                self.pulse().await;
                Ok(Rotated::StillRunning)
            }
            ClaimOutcome::Newer(_) | ClaimOutcome::NotRefreshable | ClaimOutcome::Absent => {
                Ok(Rotated::Unchanged)
            }
        }
    }

    /// When it was claimed. How late that was is counted, where it was due.
    fn note_claimed(&self, claimed: &ClaimedRefresh) -> Timestamp {
        let at = claimed.attempt.claimed_at;
        if let Some(due) = claimed.before.due_at.filter(|due| *due <= at) {
            self.measures.rotation_lateness.observe(&claimed.before.key.provider, at.since(due));
        }
        at
    }

    async fn refresh_claimed(
        self: &Arc<Self>,
        mut claimed: ClaimedRefresh,
        provider: &Arc<dyn ProviderClient>,
        (keys, right): (&TenantKeys, SealRight),
        landing: &Landing,
        lease: &mut Option<Lease>,
    ) -> Result<Rotated, BrokerError> {
        let mode = provider.profile().rotation;
        // What was sent and answered, be it with a refusal, is over: only doubt ties a token to its grace.
        let in_doubt = claimed.sent_before.filter(|_| claimed.before.tainted);
        let answered = claimed.sent_before.is_some() && in_doubt.is_none();
        let within = match permit(mode, in_doubt, self.clock.now(), &self.timing) {
            Permit::Within(_) if answered => None,
            Permit::Within(within) => Some(within),
            Permit::Unlimited => None,
            Permit::NotBefore(time) => return self.let_rest(&claimed, time).await,
        };
        let (request, registration) = match self.refresh_request(&claimed).await {
            Ok(made) => made,
            Err(error) => return self.settle_unmade(&claimed, error, provider.as_ref()).await,
        };
        let sent_at = Arc::new(OnceLock::new());
        let presenting =
            self.present(&claimed.attempt, provider, request, within, Arc::clone(&sent_at), right);
        let deadline = claimed.attempt.claimed_at + late::deadline(mode, &self.timing);
        let waiting = late::Waiting { claimed: &claimed, landing, deadline, sent_at: &sent_at };
        let presented = self.read_even_late(presenting, waiting, provider.as_ref(), lease).await;
        claimed.attempt.sent_at = presented.sent_at;
        self.settle_refresh(&claimed, presented.answer, &registration, provider.as_ref(), keys).await
    }

    /// Only what was due can be late.
    fn note_due(&self, claimed: &ClaimedRefresh) {
        let due_at = claimed.before.due_at;
        self.presenting.note(claimed.attempt.id, |story| {
            story.due_at = due_at.filter(|_| story.trigger == Trigger::Due);
        });
    }

    fn refresh_claim(&self, key: &GrantKey, generation: Generation) -> RefreshClaim {
        let at = self.clock.now();
        RefreshClaim {
            key: key.clone(),
            generation,
            attempt: AttemptId::generate(at, self.entropy.as_ref()),
            owner: self.incarnation,
            at,
            hold_until: at + self.timing.lease_ttl,
            epoch: self.fleet.epoch(),
            canary_until: at + self.timing.registration_pause,
        }
    }

    /// The request, and the registration it is made with.
    async fn refresh_request(
        &self,
        claimed: &ClaimedRefresh,
    ) -> Result<(TokenRequest, ClientRegistration), BrokerError> {
        let grant = &claimed.before;
        let registration = self
            .tenants
            .registration(&grant.key.tenant, &grant.key.provider, &grant.registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let owner = grant.id.to_string();
        let place = Place {
            tenant: grant.key.tenant.as_str(),
            owner: &owner,
            generation: claimed.refresh_token_generation.get(),
        };
        let opening = self.keys.opening(&grant.key.tenant, claimed.refresh_token.key_id()).await?;
        let request = TokenRequest {
            client: self.credentials(&registration).await?,
            presentation: Presentation::RefreshToken(opening.open(&claimed.refresh_token, place)?),
            scopes: grant.scopes.clone(),
        };
        Ok((request, registration))
    }
}

/// The whole of a rotation in a trace. What is empty is filled in where the attempt ends.
fn rotation_span(key: &GrantKey, trigger: Trigger) -> Span {
    debug_span!(
        target: SPANS,
        parent: None,
        ROTATION,
        tokenbroker.trigger = trigger.as_str(),
        tokenbroker.tenant = %key.tenant,
        tokenbroker.provider = %key.provider,
        tokenbroker.grant.id = %key.grant_id(),
        tokenbroker.attempt.id = field::Empty,
        tokenbroker.conclusion = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    )
}
