//! The gRPC services. Each handler does five things: who calls, what is asked, whether that is allowed, the use case,
//! the answer.

mod access;
mod access_policies;
mod admin;
mod admin_service;
mod audit;
mod caller;
mod consent_service;
mod deadline;
mod event_service;
mod message;
mod page_token;
mod policy_message;
mod request;
mod status;
mod token_service;

use std::sync::Arc;
use std::time::Duration;

use broker_core::Access;
use broker_crypto::Entropy;
use broker_proto::v1::admin_service_server::{self, AdminServiceServer};
use broker_proto::v1::consent_service_server::{self, ConsentServiceServer};
use broker_proto::v1::event_service_server::{self, EventServiceServer};
use broker_proto::v1::token_service_server::{self, TokenServiceServer};
use tonic::service::Routes;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use self::access::Guard;
use self::access_policies::Policies;
pub(crate) use self::admin::Adapters;
use self::admin_service::AdminApi;
pub(crate) use self::audit::{AuditLayer, Draft};
use self::consent_service::ConsentApi;
use self::event_service::EventApi;
use self::status::Statuses;
pub(crate) use self::status::caller_unknown;
use self::token_service::TokenApi;
use crate::audit::Audit;
use crate::condition::{Conditions, LEASE, REFRESH, STORE};
use crate::config::PublicUrl;
use crate::engine::Engine;
use crate::role::Role;

/// Longest request that is decoded, in bytes: a batch of 256 full keys fits many times over.
const MAX_REQUEST: usize = 1024 * 1024;

/// What health knows of: the whole, and each service.
const SERVICES: [&str; 5] = [
    "",
    token_service_server::SERVICE_NAME,
    consent_service_server::SERVICE_NAME,
    admin_service_server::SERVICE_NAME,
    event_service_server::SERVICE_NAME,
];

/// What the services are made of.
pub(crate) struct Served {
    pub(crate) engine: Engine,
    pub(crate) role: Role,
    pub(crate) access: Arc<Access>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) adapters: Adapters,
    pub(crate) audit: Audit,
}

/// The services of the role, health included. Health says SERVING for each of them until the process drains, and
/// NOT_SERVING for those of other roles.
pub(crate) async fn routes(served: Served) -> (Routes, HealthReporter) {
    let (health, health_service) = tonic_health::server::health_reporter();
    for service in SERVICES {
        let status = match is_served(service, served.role) {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        health.set_service_status(service, status).await;
    }
    let statuses = Statuses::new(served.entropy.clone());
    let guard = Guard::new(served.access.clone());
    let mut routes = Routes::new(health_service);
    if served.role.vends() {
        let tokens = TokenApi::new(
            served.engine.vendor(),
            guard.clone(),
            statuses.clone(),
            served.audit.recorder.clone(),
        );
        routes = routes
            .add_service(TokenServiceServer::new(tokens).max_decoding_message_size(MAX_REQUEST))
            .add_service(EventServiceServer::new(EventApi));
    }
    if let Some(broker) = served.engine.broker().cloned() {
        let policies = Policies { access: served.access, broker: broker.clone(), guard: guard.clone() };
        let consents = ConsentApi::new(broker.clone(), guard.clone(), statuses.clone());
        let admin = AdminApi::new(
            broker,
            guard,
            policies,
            statuses,
            served.public_url,
            served.adapters,
            served.audit,
        );
        routes = routes
            .add_service(ConsentServiceServer::new(consents).max_decoding_message_size(MAX_REQUEST))
            .add_service(AdminServiceServer::new(admin).max_decoding_message_size(MAX_REQUEST));
    }
    (routes.prepare(), health)
}

fn is_served(service: &str, role: Role) -> bool {
    match service {
        token_service_server::SERVICE_NAME | event_service_server::SERVICE_NAME => role.vends(),
        consent_service_server::SERVICE_NAME | admin_service_server::SERVICE_NAME => role.rotates(),
        _ => true,
    }
}

/// Tells health how the backends are, again and again: `store`, `lease` and `refresh`. The services go on serving what
/// they can, so theirs does not change.
pub(crate) async fn tell_condition(health: HealthReporter, conditions: Conditions, every: Duration) {
    loop {
        let now = conditions.now();
        for (name, works) in
            [(STORE, now.store_answers), (LEASE, now.lease_works()), (REFRESH, now.refresh_works())]
        {
            let status = if works { ServingStatus::Serving } else { ServingStatus::NotServing };
            health.set_service_status(name, status).await;
        }
        tokio::time::sleep(every).await;
    }
}

/// Says NOT_SERVING for every service.
pub(crate) async fn set_draining(health: &HealthReporter) {
    for service in SERVICES {
        health.set_service_status(service, ServingStatus::NotServing).await;
    }
}

/// Ends the watches of health, which by themselves never end: the server waits for every call under way.
pub(crate) async fn end_health_watches(mut health: HealthReporter) {
    for service in SERVICES.into_iter().chain([STORE, LEASE, REFRESH]) {
        health.clear_service_status(service).await;
    }
}
