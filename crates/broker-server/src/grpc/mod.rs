//! The gRPC services. Each handler does four things: who calls, what is asked, the use case, the answer.

mod admin_service;
mod caller;
mod consent_service;
mod deadline;
mod event_service;
mod message;
mod page_token;
mod request;
mod status;
mod token_service;

use std::sync::Arc;

use broker_core::Broker;
use broker_proto::v1::admin_service_server::AdminServiceServer;
use broker_proto::v1::consent_service_server::ConsentServiceServer;
use broker_proto::v1::event_service_server::EventServiceServer;
use broker_proto::v1::token_service_server::TokenServiceServer;
use tonic::service::Routes;

use self::admin_service::AdminApi;
use self::consent_service::ConsentApi;
use self::event_service::EventApi;
use self::token_service::TokenApi;

/// Longest request that is decoded, in bytes: a batch of 256 full keys fits many times over.
const MAX_REQUEST: usize = 1024 * 1024;

/// All services, health included. Health says SERVING per service until the process drains.
pub(crate) async fn routes(broker: Arc<Broker>) -> (Routes, tonic_health::server::HealthReporter) {
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<TokenServiceServer<TokenApi>>().await;
    health.set_serving::<ConsentServiceServer<ConsentApi>>().await;
    health.set_serving::<AdminServiceServer<AdminApi>>().await;
    health.set_serving::<EventServiceServer<EventApi>>().await;
    let routes = Routes::new(health_service)
        .add_service(
            TokenServiceServer::new(TokenApi::new(broker.clone())).max_decoding_message_size(MAX_REQUEST),
        )
        .add_service(
            ConsentServiceServer::new(ConsentApi::new(broker.clone())).max_decoding_message_size(MAX_REQUEST),
        )
        .add_service(AdminServiceServer::new(AdminApi::new(broker)).max_decoding_message_size(MAX_REQUEST))
        .add_service(EventServiceServer::new(EventApi));
    (routes.prepare(), health)
}

/// Says NOT_SERVING for every service.
pub(crate) async fn set_draining(health: &tonic_health::server::HealthReporter) {
    health.set_not_serving::<TokenServiceServer<TokenApi>>().await;
    health.set_not_serving::<ConsentServiceServer<ConsentApi>>().await;
    health.set_not_serving::<AdminServiceServer<AdminApi>>().await;
    health.set_not_serving::<EventServiceServer<EventApi>>().await;
    health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
}
