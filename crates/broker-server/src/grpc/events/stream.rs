//! One watcher's stream. It is read as fast as the caller takes it, and no faster.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{Asked, BrokerError, Clock, EventWatch, PolicySet, Seen, TenantId, Timestamp};
use broker_proto::v1::WatchEventsResponse;
use futures_util::{Stream, stream};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::message;
use crate::grpc::Watching;
use crate::grpc::access::Leave;
use crate::grpc::status::Statuses;
use crate::grpc::watch::streams::OpenStream;

pub(super) type EventStream = Pin<Box<dyn Stream<Item = Result<WatchEventsResponse, Status>> + Send>>;

/// How long streams may last.
pub(super) struct Lifetime {
    stopping: CancellationToken,
    longest: Option<Duration>,
    clock: Arc<dyn Clock>,
}

impl Lifetime {
    pub(super) fn of(watching: &Watching) -> Self {
        let Watching { stopping, longest, clock, .. } = watching;
        Self { stopping: stopping.clone(), longest: *longest, clock: clock.clone() }
    }

    /// That of a stream that begins now.
    pub(super) fn begin(&self) -> Life {
        let ends_at = self.longest.map(|longest| self.clock.now() + longest);
        Life { stopping: self.stopping.clone(), ends_at, clock: self.clock.clone() }
    }
}

/// How long a stream lasts: until the process stops, and no longer than a connection may.
pub(super) struct Life {
    stopping: CancellationToken,
    ends_at: Option<Timestamp>,
    clock: Arc<dyn Clock>,
}

impl Life {
    async fn over(&self) {
        let late = async {
            match self.ends_at {
                Some(time) => self.clock.sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = self.stopping.cancelled() => {}
            () = late => {}
        }
    }
}

/// Leave to read a tenant's events, or everybody's, as long as policies give it.
pub(super) struct StandingLeave {
    pub(super) leave: Leave,
    pub(super) policies: Arc<PolicySet>,
    pub(super) tenant: Option<TenantId>,
}

impl StandingLeave {
    /// Other policies are in force.
    fn ask_again(&mut self) -> Result<(), BrokerError> {
        self.policies = self.leave.policies();
        self.leave.reaches_all_of(self.tenant.as_ref().map_or(Asked::All, Asked::One))
    }
}

/// A stream under way.
pub(super) struct Reading {
    watch: EventWatch,
    standing: StandingLeave,
    life: Life,
    statuses: Statuses,
    _open: OpenStream,
}

impl Reading {
    pub(super) fn new(
        watch: EventWatch,
        standing: StandingLeave,
        life: Life,
        statuses: Statuses,
        open: OpenStream,
    ) -> Self {
        Self { watch, standing, life, statuses, _open: open }
    }

    async fn next(&mut self) -> Result<WatchEventsResponse, BrokerError> {
        loop {
            let StandingLeave { leave, policies, .. } = &self.standing;
            tokio::select! {
                biased;
                () = self.life.over() => return Err(BrokerError::StreamOver),
                () = leave.others_than(policies) => self.standing.ask_again()?,
                seen = self.watch.next() => return seen.map(|seen| response(&seen)),
            }
        }
    }
}

/// The messages of a stream. An error is the last one.
pub(super) fn of(reading: Reading) -> EventStream {
    Box::pin(stream::unfold(Some(reading), |reading| async {
        let mut reading = reading?;
        match reading.next().await {
            Ok(response) => Some((Ok(response), Some(reading))),
            Err(error) => Some((Err(reading.statuses.of(&error)), None)),
        }
    }))
}

fn response(seen: &Seen) -> WatchEventsResponse {
    match seen {
        Seen::Event(event) => {
            WatchEventsResponse { event: Some(message::event(event)), next_sequence: event.sequence + 1 }
        }
        Seen::Bookmark { next } => WatchEventsResponse { event: None, next_sequence: *next },
    }
}
