//! EventService: not built yet; every call answers UNIMPLEMENTED.

use broker_proto::v1::event_service_server::EventService;

pub(super) struct EventApi;

#[tonic::async_trait]
impl EventService for EventApi {}
