//! A running broker: bound before it serves, drained before it ends.

mod probes;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use broker_core::ports::TraceContext;
use broker_core::{Access, Enforcement, EventFeed, FeedRole, Recovered};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tonic_health::server::HealthReporter;

use self::probes::Probes;
use crate::around::AroundLayer;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::condition::Conditions;
use crate::config::Config;
use crate::coordination::Coordination;
use crate::engine::Engine;
use crate::grpc::{Contained, Served, Vends};
use crate::listener::{GrpcListener, Slots, bind};
use crate::measured::Measured;
use crate::reload::Reloadable;
use crate::role::Role;
use crate::store::Store;
use crate::supervised::vital;
use crate::wiring::{Built, Surroundings};
use crate::{callback, grpc, wiring};

/// The least time that what is under way has to finish once the process stops; never less than an attempt may take,
/// with this much to store its answer.
const FINISH_WITHIN: Duration = Duration::from_secs(45);
const TO_STORE: Duration = Duration::from_secs(12);

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
    measured: Measured,
    store: Store,
    coordination: Coordination,
    health: HealthReporter,
    claiming: CancellationToken,
    serving: CancellationToken,
    leaving: CancellationToken,
    /// Cancelled: something the broker cannot do without is gone.
    failed: CancellationToken,
    tasks: TaskTracker,
    living: TaskTracker,
    /// Room for callers.
    slots: Arc<Slots>,
    probes: Probes,
}

/// Binds, settles what earlier runs left open, and serves, as a process that does everything.
pub async fn start(config: &Config, around: Surroundings) -> anyhow::Result<Running> {
    start_as(Role::All, config, around).await
}

/// The same, as a process of that role.
pub async fn start_as(role: Role, config: &Config, around: Surroundings) -> anyhow::Result<Running> {
    // Before anything is counted.
    let started_at = around.clock.now();
    let grpc_listener = bind(config.listen.grpc, "grpc")?;
    let http_listener = bind(config.listen.http, "http")?;
    let (claiming, failed) = (CancellationToken::new(), CancellationToken::new());
    let http = http_listener.local_addr()?;
    let probes = Probes::answer(http_listener, config, claiming.clone(), failed.clone());
    let auth = Arc::new(Auth::open(config, &around).await?);
    let (entropy, clock, calls) = (around.entropy.clone(), around.clock.clone(), around.calls.clone());
    let telemetry = around.telemetry.clone();
    let Built { engine, access, audit, writers, store, coordination, key_watches } =
        wiring::build(config, role, around).await?;
    if let Some(broker) = engine.broker() {
        let recovered = broker.recover().await.context("cannot settle what earlier runs left open")?;
        log_recovered(recovered);
    }
    audit.open_keys().await.context("[keys] the keys of the audit log cannot be opened")?;
    access.look().await;
    log_access(&access);

    let measured = Measured {
        role,
        started_at,
        vends: Arc::new(Vends::of(config.providers.keys().map(String::as_str))),
        rpcs: Arc::default(),
        calls,
        streams: TaskTracker::new(),
        store: store.clone(),
    };
    let public_url = config.public_url().map_err(anyhow::Error::msg)?;
    let (access_of, adapters) = (access.clone(), config.adapters());
    let serving = CancellationToken::new();
    let events = EventFeed::new(store.events(), clock.clone(), feed_role(role), config.events.keep);
    let served = Served {
        engine: engine.clone(),
        role,
        access: access_of,
        entropy,
        public_url,
        reconsent: config.pages.reconsent_url().map_err(anyhow::Error::msg)?,
        adapters,
        audit: audit.clone(),
        vends: measured.vends.clone(),
        watching: grpc::Watching {
            open: measured.streams.clone(),
            stopping: serving.clone(),
            longest: auth.max_connection_age(),
            clock: clock.clone(),
            most: config.vend.watch_streams,
            most_of_caller: config.vend.watch_streams_per_caller,
        },
        events: events.clone(),
        ext_authz: config.ext_authz.clone(),
        message_bytes: config.limits.message_bytes,
    };
    let (routes, health) = grpc::routes(served).await.map_err(anyhow::Error::msg)?;
    let running = Running {
        finish_within: FINISH_WITHIN.max(config.rotation.timing().attempt_budget + TO_STORE),
        grpc: grpc_listener.local_addr()?,
        http,
        engine,
        access,
        audit: audit.clone(),
        measured,
        store,
        coordination,
        health,
        claiming,
        serving,
        leaving: CancellationToken::new(),
        failed,
        tasks: TaskTracker::new(),
        living: TaskTracker::new(),
        slots: Slots::new("grpc", config.limits.connections),
        probes,
    };
    running.set_to_work();
    let conditions = running.conditions(&auth);
    running.watch_itself(&auth, key_watches, &conditions, &clock);
    running.keep_records(events, audit, writers);
    running.tell_metrics(&telemetry, &conditions, &clock, config.telemetry.metrics_interval);
    let told = grpc::Told { traces: telemetry.traces(), clock: clock.clone() };
    running.serve_grpc(grpc_listener, routes, &auth, told, config);
    running.probes.front.open(conditions, running.pages(config, telemetry.traces()));
    tracing::info!(role = role.as_str(), grpc = %running.grpc, http = %running.http, "serving");
    Ok(running)
}

fn feed_role(role: Role) -> FeedRole {
    if role.rotates() { FeedRole::Keeps } else { FeedRole::Reads }
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
    /// Returns when something is gone that the broker cannot do without.
    pub(crate) async fn failed(&self) {
        self.failed.cancelled().await;
    }

    /// What may be changed while it runs.
    pub(crate) fn reloadable(&self) -> Reloadable {
        Reloadable { access: self.access.clone(), budget: self.coordination.budget.clone() }
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
        self.probes.end().await;
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
            measured: self.measured.clone(),
            slots: [self.slots.clone(), self.probes.slots.clone()],
        }
    }

    fn serve_grpc(
        &self,
        listener: TcpListener,
        routes: tonic::service::Routes,
        auth: &Auth,
        told: grpc::Told,
        config: &Config,
    ) {
        let audited = grpc::Audited { recorder: self.audit.recorder.clone(), clock: told.clock.clone() };
        let timed = grpc::Timed(self.measured.rpcs.clone());
        let timely = grpc::Timely(config.limits.call_timeout);
        let served = GrpcListener {
            routes,
            // The audit is around authentication: it records whom nobody knows, too.
            layer: (
                AroundLayer(told),
                AroundLayer(timed),
                AroundLayer(audited),
                // Begun before the server's own timer, which drops a call without a word.
                AroundLayer(timely),
                AroundLayer(auth.layer()),
                AroundLayer(Contained),
            ),
            door: auth.door(),
            slots: self.slots.clone(),
            limits: config.limits.clone(),
            age: config.connection_age(),
        };
        let serving = served.run(listener, self.tasks.clone(), self.serving.clone());
        self.tasks.spawn(vital("grpc_listener", self.failed.clone(), serving));
    }

    /// Without a public URL no browser is sent here.
    fn pages(&self, config: &Config, traces: Arc<dyn TraceContext>) -> Router {
        match self.engine.broker().filter(|_| config.http.public_url.is_some()) {
            Some(broker) => callback::router(broker.clone(), &config.pages, traces),
            None => Router::new(),
        }
    }
}
