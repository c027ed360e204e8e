//! Polling for device authorizations (RFC 8628 §3.4). Every replica runs the loop; the store gives each poll to one of
//! them, and a poll is an attempt as a code exchange is: its answer may hold tokens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker_crypto::{Place, SealRight, TenantKeys};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::{ClaimedPoll, DuePoll, PollClaim, Presentation, TokenRequest};
use crate::rotation::{Story, Trigger};
use crate::{AttemptId, Broker, BrokerError, ClientRegistration, Gate, Timestamp};

/// Polls under way in one process at once.
pub(crate) const AT_ONCE: usize = 32;

/// Due polls that are read at once.
const READ_AT_ONCE: u32 = 256;

/// What cannot be polled for is looked at again after so long at most.
const LONGEST_REST: Duration = Duration::from_secs(30);

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
        loop {
            let now = self.clock.now();
            let due = self.consents.due_polls(now, READ_AT_ONCE).await?;
            let is_whole = due.len() < READ_AT_ONCE as usize;
            let (mut begun, mut resting) = (0, BTreeMap::<_, Vec<_>>::new());
            for poll in due {
                let Ok(permit) = Arc::clone(&self.polls).try_acquire_owned() else { break };
                match self.poll_rests_until(&poll, now).await {
                    None => {
                        begun += 1;
                        self.begin_poll(poll, permit, now);
                    }
                    Some(until) => resting.entry(until).or_default().push(poll),
                }
            }
            // They must not hide the others.
            for (until, polls) in &resting {
                self.consents.put_off_polls(polls, now, *until).await?;
            }
            if is_whole || begun > 0 || resting.is_empty() {
                return Ok(begun);
            }
        }
    }

    /// Until when its provider is not called: it is not configured, rests, or its budget has no room. What has lapsed
    /// calls nobody.
    async fn poll_rests_until(&self, poll: &DuePoll, now: Timestamp) -> Option<Timestamp> {
        let (key, soon, longest) = (&poll.key, now + self.timing.tick, now + LONGEST_REST);
        if poll.expires_at <= now {
            return None;
        }
        if self.provider(&key.provider).is_err() {
            return Some(longest);
        }
        if let Gate::ClosedUntil(until) = self.gates.admit(key, &poll.registration, now) {
            return Some(until.clamp(soon, longest));
        }
        if self.budget.take(&key.provider, 1).await == 0 {
            self.gates.ended(&key.provider, now);
            return Some(soon);
        }
        None
    }

    fn begin_poll(self: &Arc<Self>, poll: DuePoll, permit: OwnedSemaphorePermit, now: Timestamp) {
        let broker = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = broker.poll(&poll).await {
                // The store gives it to whoever asks once the hold is over.
                let authorization = poll.authorization;
                tracing::warn!(%authorization, error = chain(&error), "a poll was not settled");
            }
            if poll.expires_at > now {
                broker.gates.ended(&poll.key.provider, broker.clock.now());
            }
            drop(permit);
        });
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
