//! WatchAccessTokens: streams of tokens.
//!
//! A stream looks for the next thing to tell only once the caller has taken the one before: who is slow costs no memory.

mod request;
pub(super) mod streams;
mod update;

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{
    Actor, AuditOutcome, AuditRecord, BrokerError, Clock, PolicySet, ProviderName, TenantId, Timestamp,
    TokenWatch, Vendor, WatchRequest, WatchUpdate,
};
use broker_proto::v1::{WatchAccessTokensRequest, WatchAccessTokensResponse};
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tonic::Status;

use self::streams::{OpenStream, Streams};
use super::access::{Call, Leave};
use super::audit::outcome;
use super::recording::Recording;
use super::status::Statuses;

pub(super) type TokenStream = Pin<Box<dyn Stream<Item = Result<WatchAccessTokensResponse, Status>> + Send>>;

/// How long streams last, and how many there may be.
pub(crate) struct Watching {
    /// Ends them all: the server waits for every call under way.
    pub(crate) stopping: CancellationToken,
    /// Who called is asked again after this time: a stream must not outlive what a connection may.
    pub(crate) longest: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Counts them.
    pub(crate) open: TaskTracker,
    pub(crate) most: u32,
    pub(crate) most_of_caller: u32,
}

/// Opens streams.
pub(super) struct Watches {
    vendor: Arc<Vendor>,
    recording: Recording,
    statuses: Statuses,
    streams: Streams,
    watching: Watching,
}

impl Watches {
    pub(super) fn new(
        vendor: Arc<Vendor>,
        recording: Recording,
        statuses: Statuses,
        watching: Watching,
    ) -> Self {
        let streams = Streams::new(watching.most, watching.most_of_caller);
        Self { vendor, recording, statuses, streams, watching }
    }

    pub(super) async fn open(
        &self,
        message: &WatchAccessTokensRequest,
        call: &Call<'_>,
    ) -> Result<TokenStream, BrokerError> {
        let asked = request::read(message)?;
        let (leave, policies, places) = (call.leave(), call.leave().policies(), asked.places());
        for (tenant, provider) in &places {
            call.is_about(tenant, provider);
            leave.reaches(tenant, provider)?;
        }
        let stream = self.streams.open(call.principal())?;
        self.recording.recorder.accepts_vends()?;
        let asking = leave.clone();
        let admit = Box::new(move |key: &_| asking.admit_to(key));
        let request = WatchRequest { watched: asked.watched, known: asked.known, admit };
        let watch = self.vendor.watch(request).await?;
        let clock = self.watching.clock.clone();
        let streaming = Streaming {
            watch,
            leave,
            policies,
            places,
            actor: call.actor().clone(),
            recording: self.recording.clone(),
            statuses: self.statuses.clone(),
            stopping: self.watching.stopping.clone(),
            ends_at: self.watching.longest.map(|longest| clock.now() + longest),
            clock,
            _open: stream,
            _counted: self.watching.open.token(),
        };
        Ok(Box::pin(stream::unfold(Some(streaming), Streaming::step)))
    }
}

/// One stream.
struct Streaming {
    watch: TokenWatch,
    leave: Leave,
    policies: Arc<PolicySet>,
    places: BTreeSet<(TenantId, ProviderName)>,
    actor: Actor,
    recording: Recording,
    statuses: Statuses,
    stopping: CancellationToken,
    ends_at: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    _open: OpenStream,
    _counted: TaskTrackerToken,
}

type Step = Option<(Result<WatchAccessTokensResponse, Status>, Option<Streaming>)>;

impl Streaming {
    /// The next message. An error is the last one.
    async fn step(streaming: Option<Self>) -> Step {
        let mut streaming = streaming?;
        match streaming.next().await {
            Ok(response) => Some((Ok(response), Some(streaming))),
            Err(error) => Some((Err(streaming.end(&error)), None)),
        }
    }

    async fn next(&mut self) -> Result<WatchAccessTokensResponse, BrokerError> {
        loop {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => return Err(BrokerError::StreamOver),
                () = until(self.clock.as_ref(), self.ends_at) => return Err(BrokerError::StreamOver),
                () = self.leave.others_than(&self.policies) => self.ask_again()?,
                update = self.watch.next() => return self.give(update?).await,
            }
        }
    }

    /// Other policies are in force.
    fn ask_again(&mut self) -> Result<(), BrokerError> {
        self.policies = self.leave.policies();
        self.places.iter().try_for_each(|(tenant, provider)| self.leave.reaches(tenant, provider))
    }

    async fn give(&self, update: WatchUpdate) -> Result<WatchAccessTokensResponse, BrokerError> {
        if let WatchUpdate::Token(vended) = &update {
            self.recording.vended(&self.actor, vended, "").await?;
        }
        Ok(update::response(&update))
    }

    /// The status it ends with. Recorded here: the call as such has succeeded.
    fn end(&self, error: &BrokerError) -> Status {
        let status = self.statuses.of(error);
        let ended = outcome(&status).filter(|_| !matches!(error, BrokerError::StreamOver));
        if let Some(outcome) = ended {
            self.recording.recorder.refused(&self.record(outcome));
        }
        status
    }

    fn record(&self, outcome: AuditOutcome) -> AuditRecord {
        let (tenant, provider) = self.places.first().map(|(tenant, provider)| (tenant, provider)).unzip();
        let record = self.actor.did(tenant, self.clock.now());
        let record = provider.into_iter().fold(record, AuditRecord::at_provider);
        AuditRecord { outcome, ..record }
    }
}

async fn until(clock: &dyn Clock, time: Option<Timestamp>) {
    match time {
        Some(time) => clock.sleep_until(time).await,
        None => std::future::pending().await,
    }
}
