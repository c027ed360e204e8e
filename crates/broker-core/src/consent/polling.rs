//! Polling for device authorizations (RFC 8628 §3.4). Every replica runs the loop; the store gives each poll to one of
//! them, and a poll is an attempt as a code exchange is: its answer may hold tokens.

use std::sync::Arc;

use broker_crypto::{Place, SealRight, TenantKeys};
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::{ClaimedPoll, DuePoll, PollClaim, Presentation, TokenRequest};
use crate::rotation::{Story, Trigger};
use crate::{AttemptId, Broker, BrokerError, ClientRegistration, Gate};

/// Polls under way in one process at once.
pub(crate) const AT_ONCE: usize = 32;

/// Due polls that are read at once: those whose provider rests must not hide the others for long.
const READ_AT_ONCE: u32 = 256;

/// All that a poll needs.
struct Prepared {
    request: TokenRequest,
    registration: ClientRegistration,
    keys: Arc<TenantKeys>,
    right: SealRight,
}

impl Broker {
    /// Polls what is due, every tick, until `stop`.
    pub async fn run_polls(self: Arc<Self>, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.poll_due().await {
                tracing::warn!(error = chain(&error), "due device authorizations could not be read");
            }
            let next = self.clock.now() + self.timing.tick;
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.clock.sleep_until(next) => {}
            }
        }
    }

    /// Begins the polls that are due and have room. Answers how many were begun.
    pub async fn poll_due(self: &Arc<Self>) -> Result<usize, BrokerError> {
        // A copy of the store must not take the tokens that the original waits for (rule 16).
        if self.fleet.barred().is_some() || self.polls.available_permits() == 0 {
            return Ok(0);
        }
        let due = self.consents.due_polls(self.clock.now(), READ_AT_ONCE).await?;
        let mut begun = 0;
        for poll in due {
            let Ok(permit) = Arc::clone(&self.polls).try_acquire_owned() else { break };
            if !self.may_poll(&poll).await {
                continue;
            }
            begun += 1;
            let broker = Arc::clone(self);
            self.tasks.spawn(async move {
                if let Err(error) = broker.poll(&poll).await {
                    // The store gives it to whoever asks once the hold is over.
                    let authorization = poll.authorization;
                    tracing::warn!(%authorization, error = chain(&error), "a poll was not settled");
                }
                broker.gates.ended(&poll.key.provider, broker.clock.now());
                drop(permit);
            });
        }
        Ok(begun)
    }

    /// Whether its provider is called now: it is configured, does not rest, and its budget has room.
    async fn may_poll(&self, poll: &DuePoll) -> bool {
        let (key, now) = (&poll.key, self.clock.now());
        if self.provider(&key.provider).is_err() {
            return false;
        }
        if let Gate::ClosedUntil(_) = self.gates.admit(key, &poll.registration, now) {
            return false;
        }
        if self.budget.take(&key.provider, 1).await == 0 {
            self.gates.ended(&key.provider, now);
            return false;
        }
        true
    }

    async fn poll(self: &Arc<Self>, due: &DuePoll) -> Result<(), BrokerError> {
        self.escrow.reserve().await.map_err(|error| BrokerError::BackendUnavailable(Box::new(error)))?;
        let claim = self.poll_claim(due);
        let mut presenting = self.presenting.hold(claim.attempt, Story::begun_by(Trigger::Poll));
        let claimed = self.consents.claim_poll(&claim).await.inspect_err(|_| {
            self.give_back_lost_claim(claim.tenant.clone(), claim.attempt);
        });
        let Some(claimed) = claimed? else { return Ok(()) };
        presenting.claimed(&claim.tenant);
        match self.prepare_poll(&claimed).await {
            Ok(prepared) => self.present_poll(&claimed, prepared).await?,
            Err(error) => {
                self.give_back_poll(&claimed.attempt, &claimed.authorization, claimed.device.polling).await?;
                let authorization = claimed.authorization.id;
                tracing::warn!(%authorization, error = chain(&error), "a poll could not be made");
            }
        }
        presenting.settled();
        Ok(())
    }

    async fn present_poll(&self, claimed: &ClaimedPoll, prepared: Prepared) -> Result<(), BrokerError> {
        let provider = self.provider(&claimed.attempt.key.provider)?;
        let Prepared { request, registration, keys, right } = prepared;
        let presented = self.present(&claimed.attempt, provider, request, None, Arc::default(), right).await;
        self.settle_poll(claimed, &registration, presented.answer, &keys).await
    }

    fn poll_claim(&self, due: &DuePoll) -> PollClaim {
        let at = self.clock.now();
        PollClaim {
            tenant: due.key.tenant.clone(),
            authorization: due.authorization,
            attempt: AttemptId::generate(at, self.entropy.as_ref()),
            owner: self.incarnation,
            at,
            hold_until: at + self.timing.lease_ttl,
        }
    }

    async fn prepare_poll(&self, claimed: &ClaimedPoll) -> Result<Prepared, BrokerError> {
        let authorization = &claimed.authorization;
        let key = &authorization.key;
        let registration = self
            .tenants
            .registration(&key.tenant, &key.provider, &authorization.registration)
            .await?
            .ok_or(BrokerError::NoClientRegistration)?;
        let owner = authorization.id.to_string();
        let place = Place { tenant: key.tenant.as_str(), owner: &owner, generation: 0 };
        let opening = self.keys.opening(&key.tenant, claimed.device.code.key_id()).await?;
        let request = TokenRequest {
            client: self.credentials(&registration).await?,
            presentation: Presentation::DeviceCode(opening.open(&claimed.device.code, place)?),
            scopes: authorization.scopes.clone(),
        };
        let keys = self.keys.of(&key.tenant).await?;
        let right = self.keys.right_to_answer(&key.tenant, &keys).await?;
        Ok(Prepared { request, registration, keys, right })
    }
}
