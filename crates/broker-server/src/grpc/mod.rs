//! The gRPC services. Each handler does five things: who calls, what is asked, whether that is allowed, the use case,
//! the answer.

mod access;
mod access_policies;
mod admin;
mod admin_service;
mod audit;
mod caller;
mod completion;
mod consent_service;
mod contained;
mod deadline;
mod events;
mod ext_authz;
mod given;
mod grant_window;
mod import;
mod machine_message;
pub(crate) mod message;
mod methods;
mod page_token;
mod policy_message;
mod recording;
mod rejected;
mod request;
mod rpc;
mod status;
mod timed;
mod timely;
mod token_service;
mod vends;
mod watch;

use std::sync::Arc;
use std::time::Duration;

use broker_core::{Access, EventFeed};
use broker_crypto::Entropy;
use broker_proto::external_authorization::authorization_server::{self, AuthorizationServer};
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
pub(crate) use self::audit::{Audited, Draft};
use self::consent_service::ConsentApi;
pub(crate) use self::contained::Contained;
use self::events::EventApi;
use self::ext_authz::ExtAuthzApi;
use self::recording::Recording;
pub(crate) use self::rpc::Told;
use self::status::Statuses;
pub(crate) use self::status::{caller_unknown, issuer_unavailable};
pub(crate) use self::timed::{RpcTimes, Timed};
pub(crate) use self::timely::Timely;
use self::token_service::TokenApi;
pub(crate) use self::vends::Vends;
use self::watch::Watches;
pub(crate) use self::watch::Watching;
use crate::audit::Audit;
use crate::condition::{Conditions, LEASE, REFRESH, STORE};
use crate::config::{ExtAuthzConfig, PublicUrl, ReconsentUrl};
use crate::engine::Engine;
use crate::role::Role;

/// What health knows of: the whole, and each service.
const SERVICES: [&str; 6] = [
    "",
    token_service_server::SERVICE_NAME,
    consent_service_server::SERVICE_NAME,
    admin_service_server::SERVICE_NAME,
    event_service_server::SERVICE_NAME,
    authorization_server::SERVICE_NAME,
];

/// What the services are made of.
pub(crate) struct Served {
    pub(crate) engine: Engine,
    pub(crate) role: Role,
    pub(crate) access: Arc<Access>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) public_url: Option<PublicUrl>,
    pub(crate) reconsent: Option<ReconsentUrl>,
    pub(crate) adapters: Adapters,
    pub(crate) audit: Audit,
    pub(crate) vends: Arc<Vends>,
    pub(crate) watching: Watching,
    pub(crate) events: Arc<EventFeed>,
    pub(crate) ext_authz: ExtAuthzConfig,
    /// Longest request that is decoded, in bytes.
    pub(crate) message_bytes: usize,
}

/// The services of the role, health included. Health says SERVING for each of them until the process drains, and
/// NOT_SERVING for those of other roles and for what is not configured.
pub(crate) async fn routes(served: Served) -> Result<(Routes, HealthReporter), String> {
    let (health, health_service) = tonic_health::server::health_reporter();
    for service in SERVICES {
        let status = match is_served(service, &served) {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        health.set_service_status(service, status).await;
    }
    let statuses = Statuses::new(served.entropy.clone(), served.reconsent);
    let guard = Guard::new(served.access.clone());
    let longest = served.message_bytes;
    let mut routes = Routes::new(health_service);
    if served.role.vends() {
        let vendor = served.engine.vendor();
        let recorder = served.audit.recorder.clone();
        let events = EventApi::new(served.events, guard.clone(), statuses.clone(), &served.watching);
        let recording = Recording { recorder, vends: served.vends };
        let watches = Watches::new(vendor.clone(), recording.clone(), statuses.clone(), served.watching);
        let tokens = Arc::new(TokenApi::new(vendor, guard.clone(), statuses.clone(), recording, watches));
        if served.ext_authz.enabled {
            let checks = ExtAuthzApi::new(tokens.clone(), guard.clone(), statuses.clone(), served.ext_authz)?;
            routes = routes.add_service(AuthorizationServer::new(checks).max_decoding_message_size(longest));
        }
        routes = routes
            .add_service(TokenServiceServer::from_arc(tokens).max_decoding_message_size(longest))
            .add_service(EventServiceServer::new(events).max_decoding_message_size(longest));
    }
    if let Some(broker) = served.engine.broker().cloned() {
        let policies = Policies { access: served.access, broker: broker.clone(), guard: guard.clone() };
        let consents =
            ConsentApi::new(broker.clone(), guard.clone(), statuses.clone(), served.public_url.clone());
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
            .add_service(ConsentServiceServer::new(consents).max_decoding_message_size(longest))
            .add_service(AdminServiceServer::new(admin).max_decoding_message_size(longest));
    }
    Ok((routes.prepare(), health))
}

fn is_served(service: &str, served: &Served) -> bool {
    let role = served.role;
    match service {
        authorization_server::SERVICE_NAME => role.vends() && served.ext_authz.enabled,
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
