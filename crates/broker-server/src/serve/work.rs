//! What a broker does by itself while it serves. Every task has a name, by which its panics are told.

use std::sync::Arc;
use std::time::Duration;

use broker_core::{Broker, Clock, EventFeed, Writers};

use super::Running;
use crate::audit::Audit;
use crate::auth::Auth;
use crate::condition::Conditions;
use crate::engine::Engine;
use crate::grpc;
use crate::key_source::KeyWatch;
use crate::supervised::{supervised, vital};
use crate::telemetry::Telemetry;

/// How often health learns of the backends.
const HEALTH_EVERY: Duration = Duration::from_secs(1);

impl Running {
    /// What it does by itself. Some goes on until the very end: a replica that finishes what it began is alive.
    pub(super) fn set_to_work(&self) {
        match &self.engine {
            Engine::Broker(broker) => self.set_to_rotate(broker),
            Engine::Api(api) => {
                let (api, leaving) = (api.clone(), self.leaving.clone());
                self.live("api", move || api.clone().run(leaving.clone()));
            }
        }
    }

    fn set_to_rotate(&self, broker: &Arc<Broker>) {
        macro_rules! work {
            ($name:literal, $run:ident) => {
                let (broker, claiming) = (broker.clone(), self.claiming.clone());
                self.work($name, move || broker.clone().$run(claiming.clone()));
            };
        }
        work!("scheduler", run_scheduler);
        work!("revocations", run_revocations);
        work!("device_polls", run_polls);
        work!("mints", run_mints);
        work!("upkeep", run_upkeep);
        work!("notices", run_notices);
        work!("webhooks", run_webhooks);
        work!("notes", run_notes);
        work!("keys", run_keys);
        work!("census", run_census);
        if let Some(requests) = self.store.rotation_requests() {
            let (broker, claiming) = (broker.clone(), self.claiming.clone());
            self.work("rotation_requests", move || {
                broker.clone().run_rotation_requests(requests.clone(), claiming.clone())
            });
        }
        let (of_news, of_membership) = (broker.clone(), broker.clone());
        let (news, membership) = (self.leaving.clone(), self.leaving.clone());
        self.live("news", move || of_news.clone().run_news(news.clone()));
        self.live("membership", move || of_membership.clone().run_membership(membership.clone()));
    }

    /// Until the process stops.
    fn work<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.tasks.spawn(supervised(name, self.claiming.clone(), run));
    }

    /// Until the very end.
    fn live<F: Future<Output = ()> + Send + 'static>(
        &self,
        name: &'static str,
        run: impl Fn() -> F + Send + Sync + 'static,
    ) {
        self.living.spawn(supervised(name, self.leaving.clone(), run));
    }

    /// Health, keys and credentials.
    pub(super) fn watch_itself(
        &self,
        auth: &Arc<Auth>,
        key_watches: Vec<KeyWatch>,
        conditions: &Conditions,
        clock: &Arc<dyn Clock>,
    ) {
        let (health, conditions, claiming) = (self.health.clone(), conditions.clone(), self.claiming.clone());
        self.work("health", move || {
            let telling = grpc::tell_condition(health.clone(), conditions.clone(), HEALTH_EVERY);
            ended(claiming.clone().run_until_cancelled_owned(telling))
        });
        for watch in key_watches {
            let watching = self.claiming.clone().run_until_cancelled_owned(watch.run(clock.clone()));
            self.tasks.spawn(vital("key_watch", self.failed.clone(), ended(watching)));
        }
        let (auth, serving) = (auth.clone(), self.serving.clone());
        self.work("credentials", move || {
            ended(serving.clone().run_until_cancelled_owned(auth.clone().keep_fresh()))
        });
    }

    /// To the collector, if there is one.
    pub(super) fn tell_metrics(
        &self,
        telemetry: &Telemetry,
        conditions: &Conditions,
        clock: &Arc<dyn Clock>,
        every: Duration,
    ) {
        let (telemetry, conditions) = (telemetry.clone(), conditions.clone());
        let (clock, leaving) = (clock.clone(), self.leaving.clone());
        self.live("metrics", move || {
            telemetry.clone().tell_metrics(conditions.clone(), clock.clone(), every, leaving.clone())
        });
    }

    /// Access policies, events and the audit log.
    pub(super) fn keep_records(&self, events: Arc<EventFeed>, audit: Audit, writers: Writers) {
        let (access, leaving) = (self.access.clone(), self.leaving.clone());
        self.live("access", move || access.clone().run(leaving.clone()));
        let leaving = self.leaving.clone();
        self.live("events", move || events.clone().run(leaving.clone()));
        // What it was to write is gone with it: no token may be given unrecorded.
        let writing = audit.run(writers, self.leaving.clone());
        self.living.spawn(vital("audit", self.failed.clone(), writing));
    }
}

async fn ended<T>(work: impl Future<Output = T>) {
    work.await;
}
