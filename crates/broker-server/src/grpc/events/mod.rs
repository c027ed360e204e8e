//! EventService: what happens, streamed.

mod message;
mod stream;

use std::sync::Arc;

use broker_core::ports::EventFilter;
use broker_core::{Asked, BrokerError, EventFeed, EventType, TenantId};
use broker_proto::v1::WatchEventsRequest;
use broker_proto::v1::event_service_server::EventService;
use tonic::{Request, Response, Status};

pub(super) use self::message::event_type_message;
use self::stream::{EventStream, Lifetime, Reading, StandingLeave};
use super::Watching;
use super::access::Guard;
use super::request::Fields;
use super::status::Statuses;
use super::watch::streams::Streams;

/// Names every tenant.
const ALL: &str = "*";

pub(super) struct EventApi {
    feed: Arc<EventFeed>,
    guard: Guard,
    statuses: Statuses,
    streams: Streams,
    lifetime: Lifetime,
}

impl EventApi {
    pub(super) fn new(feed: Arc<EventFeed>, guard: Guard, statuses: Statuses, watching: &Watching) -> Self {
        let streams = Streams::new(watching.most, watching.most_of_caller);
        Self { feed, guard, statuses, streams, lifetime: Lifetime::of(watching) }
    }

    async fn open(&self, request: &Request<WatchEventsRequest>) -> Result<EventStream, BrokerError> {
        let call = self.guard.call(request)?;
        let (filter, from) = read(request.get_ref())?;
        let tenant = filter.tenant.clone();
        let policies = call.leave().policies();
        call.admit(tenant.as_ref().map_or(Asked::All, Asked::One), Asked::All)?;
        let open = self.streams.open(call.principal())?;
        let watch = self.feed.watch(filter, from).await?;
        let standing = StandingLeave { leave: call.leave(), policies, tenant };
        Ok(stream::of(Reading::new(watch, standing, self.lifetime.begin(), self.statuses.clone(), open)))
    }
}

#[tonic::async_trait]
impl EventService for EventApi {
    async fn watch_events(
        &self,
        request: Request<WatchEventsRequest>,
    ) -> Result<Response<EventStream>, Status> {
        self.statuses.answer(self.open(&request).await)
    }
}

/// The types that a field of a request names.
pub(super) fn event_types(fields: &mut Fields, field: &str, numbers: &[i32]) -> Vec<EventType> {
    let types: Vec<_> = numbers.iter().map(|number| message::event_type(*number)).collect();
    if let Some(at) = types.iter().position(Option::is_none) {
        fields.violation(&format!("{field}[{at}]"), "must be a type of event of the contract");
    }
    types.into_iter().flatten().collect()
}

/// What to read, and the first place; `None` for what happens from now on.
fn read(message: &WatchEventsRequest) -> Result<(EventFilter, Option<u64>), BrokerError> {
    let mut fields = Fields::default();
    let tenant = match message.tenant_id.as_str() {
        ALL => Some(None),
        one => fields.name("tenant_id", one, TenantId::new).map(Some),
    };
    let types = event_types(&mut fields, "types", &message.types);
    if message.only_new && message.from_sequence > 0 {
        fields.violation("only_new", "must be false where from_sequence is set");
    }
    let from = (!message.only_new).then_some(message.from_sequence);
    let filter = tenant.map(|tenant| EventFilter { tenant, types });
    fields.finish(filter.map(|filter| (filter, from)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bad_field_is_named() {
        let message = WatchEventsRequest {
            from_sequence: 5,
            tenant_id: "A B".into(),
            types: vec![1, 99],
            only_new: true,
        };
        let Err(BrokerError::InvalidRequest(violations)) = read(&message) else { panic!("it was accepted") };
        let fields: Vec<_> = violations.iter().map(|violation| violation.field.as_str()).collect();
        assert_eq!(fields, ["tenant_id", "types[1]", "only_new"]);
    }

    #[test]
    fn a_star_is_every_tenant() {
        let message = WatchEventsRequest { tenant_id: "*".into(), ..WatchEventsRequest::default() };
        let (filter, from) = read(&message).unwrap();
        assert_eq!((filter.tenant, from), (None, Some(0)));
    }
}
