//! A running broker: bound before it serves, drained before it ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use broker_core::{Access, Broker, Clock, Enforcement, Recovered};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use crate::audit::Audit;
use crate::auth::Auth;
use crate::condition::Conditions;
use crate::config::Config;
use crate::coordination::Coordination;
use crate::engine::Engine;
use crate::grpc::Served;
use crate::role::Role;
use crate::store::Store;
use crate::wiring::{Built, Surroundings};
use crate::{grpc, http, wiring};

/// The least time that what is under way has to finish once the process stops; never less than an attempt may take,
/// with this much to store its answer.
const FINISH_WITHIN: Duration = Duration::from_secs(45);
const TO_STORE: Duration = Duration::from_secs(12);

/// How often health learns of the backends.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

/// A broker that serves.
pub struct Running {
    /// How long what is under way may take to finish once the process stops.
    finish_within: Duration,
    /// Where gRPC is served.
    pub grpc: SocketAddr,
    /// Where HTTP is served.
    pub http: SocketAddr,
    engine: Engine,
    access: Arc<Access>,
    audit: Audit,
    store: Store,
    coordination: Coordination,
    health: HealthReporter,
    claiming: CancellationToken,
    serving: CancellationToken,
    leaving: CancellationToken,
    tasks: TaskTracker,
    living: TaskTracker,
}

/// Binds, settles what earlier runs left open, and serves, as a process that does everything.
pub async fn start(config: &Config, around: Surroundings) -> anyhow::Result<Running> {
    start_as(Role::All, config, around).await
}

/// The same, as a process of that role.
pub async fn start_as(role: Role, config: &Config, around: Surroundings) -> anyhow::Result<Running> {
    let grpc_listener = bind(config.listen.grpc, "grpc").await?;
    let http_listener = bind(config.listen.http, "http").await?;
    let auth = Arc::new(Auth::open(config, around.clock.clone()).await?);
    let (entropy, clock) = (around.entropy.clone(), around.clock.clone());
    let Built { engine, access, audit, writers, store, coordination, key_watches } =
        wiring::build(config, role, around).await?;
    if let Some(broker) = engine.broker() {
        let recovered = broker.recover().await.context("cannot settle what earlier runs left open")?;
        log_recovered(recovered);
    }
    audit.open_keys().await.context("[keys] the keys of the audit log cannot be opened")?;
    access.look().await;
    log_access(&access);

    let public_url = config.public_url().map_err(anyhow::Error::msg)?;
    let (access_of, adapters) = (access.clone(), config.adapters());
    let served = Served {
        engine: engine.clone(),
        role,
        access: access_of,
        entropy,
        public_url,
        adapters,
        audit: audit.clone(),
    };
    let (routes, health) = grpc::routes(served).await;
    let running = Running {
        finish_within: FINISH_WITHIN.max(config.rotation.timing().attempt_budget + TO_STORE),
        grpc: grpc_listener.local_addr()?,
        http: http_listener.local_addr()?,
        engine,
        access,
        audit: audit.clone(),
        store,
        coordination,
        health,
        claiming: CancellationToken::new(),
        serving: CancellationToken::new(),
        leaving: CancellationToken::new(),
        tasks: TaskTracker::new(),
        living: TaskTracker::new(),
    };
    running.set_to_work();
    let conditions = running.conditions(&auth);
    let health = grpc::tell_condition(running.health.clone(), conditions.clone(), HEALTH_EVERY);
    running.tasks.spawn(running.claiming.clone().run_until_cancelled_owned(health));
    for watch in key_watches {
        running.tasks.spawn(running.claiming.clone().run_until_cancelled_owned(watch.run(clock.clone())));
    }
    running.tasks.spawn(running.serving.clone().run_until_cancelled_owned(auth.clone().keep_fresh()));
    running.living.spawn(running.access.clone().run(running.leaving.clone()));
    running.living.spawn(audit.run(writers, running.leaving.clone()));
    running.serve_grpc(grpc_listener, routes, &auth, clock.clone());
    running.serve_http(http_listener, conditions);
    tracing::info!(role = role.as_str(), grpc = %running.grpc, http = %running.http, "serving");
    Ok(running)
}

/// What could not be settled is not lost, but somebody must look.
fn log_recovered(recovered: Recovered) {
    match recovered.unsettled as u64 + recovered.damaged {
        0 => tracing::info!(?recovered, "earlier runs are settled"),
        _ => tracing::warn!(
            ?recovered,
            "some of what earlier runs left open could not be settled; it is kept for the next start"
        ),
    }
}

/// Both look like a broker at work, from outside.
fn log_access(access: &Access) {
    if access.enforcement() == Enforcement::Shadow {
        tracing::warn!("[access] mode is shadow: calls that no policy allows are logged and let pass");
    } else if access.policies().policies().next().is_none() {
        tracing::warn!(
            "no access policy is in force, so every call is denied; add an [[access.policy]] for operators"
        );
    }
}

impl Running {
    /// What it does by itself. Some goes on until the very end: a replica that finishes what it began is alive.
    fn set_to_work(&self) {
        match &self.engine {
            Engine::Broker(broker) => self.set_to_rotate(broker),
            Engine::Api(api) => drop(self.living.spawn(api.clone().run(self.leaving.clone()))),
        }
    }

    fn set_to_rotate(&self, broker: &Arc<Broker>) {
        self.tasks.spawn(broker.clone().run_scheduler(self.claiming.clone()));
        self.tasks.spawn(broker.clone().run_revocations(self.claiming.clone()));
        self.tasks.spawn(broker.clone().run_upkeep(self.claiming.clone()));
        self.tasks.spawn(broker.clone().run_notes(self.claiming.clone()));
        self.tasks.spawn(broker.clone().run_keys(self.claiming.clone()));
        if let Some(requests) = self.store.rotation_requests() {
            self.tasks.spawn(broker.clone().run_rotation_requests(requests, self.claiming.clone()));
        }
        self.living.spawn(broker.clone().run_news(self.leaving.clone()));
        self.living.spawn(broker.clone().run_membership(self.leaving.clone()));
    }

    /// The line that tells where it listens.
    pub fn addresses_json(&self) -> String {
        serde_json::json!({ "grpc": self.grpc.to_string(), "http": self.http.to_string() }).to_string()
    }

    /// Stops claiming, says it is not ready, finishes what is under way, closes the store last.
    pub async fn shutdown(self) {
        self.shutdown_unless(std::future::pending()).await;
    }

    /// The same, but waits for nothing any more once `hurry` is over.
    pub(crate) async fn shutdown_unless(self, hurry: impl Future<Output = ()>) {
        tokio::select! {
            () = self.wind_down() => tracing::info!("stopped"),
            () = hurry => tracing::warn!("ending now; what is under way is in escrow"),
        }
    }

    async fn wind_down(&self) {
        tracing::info!("stopping");
        self.claiming.cancel();
        grpc::set_draining(&self.health).await;
        self.serving.cancel();
        grpc::end_health_watches(self.health.clone()).await;
        self.tasks.close();
        tracing::info!(
            "waiting for {} attempts, at most {} s",
            self.engine.attempts_under_way(),
            self.finish_within.as_secs()
        );
        let finished = async {
            self.tasks.wait().await;
            self.engine.drain().await;
        };
        let finished = tokio::time::timeout(self.finish_within, finished).await.is_ok();
        self.leaving.cancel();
        self.living.close();
        self.living.wait().await;
        match finished {
            true => self.engine.leave().await,
            false => tracing::warn!(
                "some requests or attempts did not finish in time; their outcome is in escrow or unknown"
            ),
        }
        self.coordination.close().await;
        self.store.close().await;
    }

    fn conditions(&self, auth: &Arc<Auth>) -> Conditions {
        Conditions {
            engine: self.engine.clone(),
            access: self.access.clone(),
            coordination: self.coordination.clone(),
            auth: auth.clone(),
            audit: self.audit.clone(),
        }
    }

    fn serve_grpc(
        &self,
        listener: TcpListener,
        routes: tonic::service::Routes,
        auth: &Auth,
        clock: Arc<dyn Clock>,
    ) {
        let stop = self.serving.clone();
        let audit = grpc::AuditLayer { recorder: self.audit.recorder.clone(), clock };
        // The audit is around authentication: it records whom nobody knows, too.
        let mut server = tonic::transport::Server::builder().layer(audit).layer(auth.layer());
        if let Some(age) = auth.max_connection_age() {
            server = server.max_connection_age(age);
        }
        let incoming = auth.incoming(listener);
        let server = server.add_routes(routes).serve_with_incoming_shutdown(incoming, stop.cancelled_owned());
        self.tasks.spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the gRPC listener ended");
            }
        });
    }

    fn serve_http(&self, listener: TcpListener, conditions: Conditions) {
        let stop = self.serving.clone();
        let router = http::router(http::Probed { draining: self.claiming.clone(), conditions });
        self.tasks.spawn(async move {
            let server = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = server.await {
                tracing::error!(%error, "the HTTP listener ended");
            }
        });
    }
}

async fn bind(address: SocketAddr, what: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| {
        format!("cannot listen on {address} for {what}; choose another address, or port 0 for a free one")
    })
}
