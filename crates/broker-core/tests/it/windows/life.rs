//! A grant that lives for weeks in simulated time, looked after by two replicas.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{AuditRecord, Broker, Clock as _, Grant, Lifecycle, Phase, ProviderProfile, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::lives::Policy;
use crate::world::World;

pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(86_400);

/// No step is longer: due times are met on time.
const STEP: Duration = HOUR;

pub(super) struct Life {
    pub(super) world: World,
    /// Two replicas, and the first one's scheduler.
    replicas: [Arc<Broker>; 2],
    scheduler: JoinHandle<()>,
    stop: CancellationToken,
}

impl Life {
    /// A world at that time, in which nobody has consented yet.
    pub(super) async fn at(
        start: Timestamp,
        profile: ProviderProfile,
        policy: Policy,
        life: Duration,
    ) -> Self {
        let mut world = World::empty(profile).await;
        world.clock.advance(start.since(world.clock.now()));
        world.provider.lives.lock().unwrap().policy = policy;
        *world.provider.life.lock().unwrap() = Some(life);
        let first = world.broker.clone();
        world.join_beside(2).await;
        let second = std::mem::replace(&mut world.broker, first.clone());
        let stop = CancellationToken::new();
        let scheduler = tokio::spawn(first.clone().run_scheduler(stop.clone()));
        Self { world, replicas: [first, second], scheduler, stop }
    }

    /// Lets so much time pass. Whoever uses the grant does so at every step.
    pub(super) async fn pass(&self, span: Duration, used: bool) {
        let end = self.world.clock.now() + span;
        while self.world.clock.now() < end {
            let now = self.world.clock.now();
            let grant = self.world.grant().await;
            let notices =
                grant.dies_at.into_iter().flat_map(|dies| [48, 24, 4].map(|hours| dies - HOUR * hours));
            let ahead = grant.due_at.into_iter().chain(notices).filter(|at| *at > now);
            let next = ahead.chain([now + STEP, end]).min().unwrap();
            self.world.clock.advance(next.since(now));
            self.settle().await;
            if used {
                // Whether there is a token to be had is what the tests ask afterwards.
                let _ = self.world.vend_at_once().await;
                self.settle().await;
            }
            let [first, second] = &self.replicas;
            let (one, other) = tokio::join!(first.give_notices(), second.give_notices());
            one.unwrap();
            other.unwrap();
        }
    }

    /// The broker's clock steps, and nobody else's.
    pub(super) fn step(&self, seconds: i64) {
        let by = Duration::from_secs(seconds.unsigned_abs());
        match seconds > 0 {
            true => self.world.clock.advance(by),
            false => self.world.clock.step_back(by),
        }
        self.world.provider.lives.lock().unwrap().ahead -= seconds;
    }

    /// Waits until nothing is due and no attempt is open.
    async fn settle(&self) {
        for _ in 0..1000 {
            for _ in 0..20 {
                tokio::task::yield_now().await;
            }
            let (grant, now) = (self.world.grant().await, self.world.clock.now());
            let open = matches!(grant.phase, Phase::Claimed | Phase::Sent);
            let due = grant.lifecycle == Lifecycle::Active && grant.due_at.is_some_and(|due| due <= now);
            if !open && !due && self.world.broker.attempts_under_way() == 0 {
                return;
            }
            self.world.pass(1);
        }
        panic!("what is due is never settled: {:?}", self.world.grant().await);
    }

    pub(super) async fn grant(&self) -> Grant {
        self.world.grant().await
    }

    pub(super) async fn records(&self, action: &str) -> Vec<AuditRecord> {
        let records = self.world.store().inbox_records().await.unwrap();
        records.into_iter().filter(|record| record.action.as_str() == action).collect()
    }

    /// How many hours after `from` each notice was given, by its name; each once.
    pub(super) async fn notices_since(&self, from: Timestamp) -> BTreeMap<String, u64> {
        let mut notices = BTreeMap::new();
        for record in self.records("announce_expiry").await {
            if record.at >= from {
                let hours = (record.at.since(from) + HOUR / 2).as_secs() / 3600;
                assert_eq!(notices.insert(record.resource.clone(), hours), None, "{record:?} comes twice");
            }
        }
        notices
    }

    pub(super) async fn end(self) {
        self.stop.cancel();
        self.world.pass(2);
        self.scheduler.await.unwrap();
    }
}
