//! The rotations that other processes ask for: the same rotation as everybody's, and its outcome written down.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span, debug_span};

use super::{Rotated, Trigger};
use crate::error::chain;
use crate::ports::{
    News, RotationAnswer, RotationRequests, SPANS, StoreError, TakeRequests, TakenRequest, Wakeup,
};
use crate::vend::{Here, Refresher as _};
use crate::{Broker, BrokerError, Timestamp};

/// How often the store is looked at while nothing stirs.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Requests worked on at once. More wait in the store, where other rotators find them.
const AT_ONCE: usize = 256;

/// How often old requests are let go, how long after nobody waits for them, and how many at once.
const PRUNE_EVERY: Duration = Duration::from_secs(60);
const KEPT: Duration = Duration::from_secs(300);
const BATCH: u32 = 1000;

impl Broker {
    /// Carries out what other processes ask for, until `stop`. Every process that rotates may run it.
    pub async fn run_rotation_requests(
        self: Arc<Self>,
        requests: Arc<dyn RotationRequests>,
        stop: CancellationToken,
    ) {
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let mut prune_at = self.clock.now();
        while !stop.is_cancelled() {
            if self.clock.now() >= prune_at {
                self.prune_requests(requests.as_ref()).await;
                prune_at = self.clock.now() + PRUNE_EVERY;
            }
            let full = self.take_requests(&requests, &room).await.unwrap_or_else(|error| {
                tracing::warn!(error = chain(&error), "no rotation requests could be looked for");
                false
            });
            if !full {
                self.until_wanted(requests.as_ref(), &stop).await;
            }
        }
    }

    /// Takes what there is room for. Answers whether there may be more, and room for it.
    pub(crate) async fn take_requests(
        self: &Arc<Self>,
        requests: &Arc<dyn RotationRequests>,
        room: &Arc<Semaphore>,
    ) -> Result<bool, StoreError> {
        let limit = room.available_permits();
        // A replica that may not claim leaves them to those that may.
        if limit == 0 || self.fleet.barred().is_some() {
            return Ok(false);
        }
        let at = self.clock.now();
        // One taken again by its own taker joins the flight under way; by another, it meets the open attempt.
        let taken_before = at - self.timing.death_detection;
        let limit = u32::try_from(limit).unwrap_or(u32::MAX);
        let taken = requests.take_rotation_requests(TakeRequests { at, taken_before, limit }).await?;
        let full = taken.len() == limit as usize;
        for request in taken {
            let Ok(permit) = room.clone().try_acquire_owned() else { break };
            self.carry_out(request, requests.clone(), permit);
        }
        Ok(full)
    }

    fn carry_out(
        self: &Arc<Self>,
        request: TakenRequest,
        requests: Arc<dyn RotationRequests>,
        permit: OwnedSemaphorePermit,
    ) {
        let (broker, span) = (self.clone(), self.span_of(&request));
        let carrying = async move {
            let rotated = broker.rotate_for(&request).await.unwrap_or_else(|error| {
                tracing::error!(grant = %request.key.grant_id(), error = chain(&error), "a rotation was asked for and failed");
                Rotated::Failed(error.into())
            });
            let answer = RotationAnswer::from(&rotated);
            if let Err(error) = requests.answer_rotation_request(&request, answer).await {
                tracing::warn!(error = chain(&error), "who asked for a rotation could not be answered");
            }
            let (grant, generation) = (request.key.grant_id(), request.generation);
            broker.announce(Wakeup { grant, generation, news: News::Answered });
            drop(permit);
        };
        self.tasks.spawn(carrying.instrument(span));
    }

    /// Goes on in the trace of who asked.
    fn span_of(&self, request: &TakenRequest) -> Span {
        let span = debug_span!(target: SPANS, parent: None, "rotation request", otel.kind = "consumer");
        if let Some(asked) = &request.trace_parent {
            self.traces.go_on(&span, asked, None);
        }
        span
    }

    async fn rotate_for(self: &Arc<Self>, request: &TakenRequest) -> Result<Rotated, BrokerError> {
        let Some(held) = self.grants.vendable(&request.key).await? else { return Ok(Rotated::Unchanged) };
        if held.grant.generation > request.generation {
            return Ok(Rotated::Unchanged);
        }
        let here = Here(self.clone());
        let flight = here.running(held.grant.id);
        Ok(flight.unwrap_or_else(|| here.refresh(&held.grant, Trigger::Request)).landed().await)
    }

    async fn until_wanted(&self, requests: &dyn RotationRequests, stop: &CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.news.wanted() => {}
            () = requests.requested() => {}
            () = self.clock.sleep_until(self.clock.now() + LOOK_AGAIN) => {}
        }
    }

    async fn prune_requests(&self, requests: &dyn RotationRequests) {
        let before: Timestamp = self.clock.now() - KEPT;
        loop {
            match requests.prune_rotation_requests(before, BATCH).await {
                Ok(pruned) if pruned < u64::from(BATCH) => return,
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(error = chain(&error), "old rotation requests could not be deleted");
                    return;
                }
            }
        }
    }
}
