//! One replica's side of the coordination, and the tasks that keep it up.

use std::num::NonZeroU16;
use std::sync::{Arc, RwLock};

use broker_core::Clock;
use broker_core::ports::{
    BudgetLimits, CoordinationHealth, InProcessBudget, InProcessWakeups, Wakeup, WakeupStream, Wakeups,
};
use broker_crypto::Entropy;
use redis::Client;
use tokio::sync::mpsc;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::announcer::{self, Announcer};
use crate::budget::shares;
use crate::link::Link;
use crate::listener::Listener;
use crate::message::Origin;
use crate::standing::Standing;
use crate::{RedisConfig, RedisConfigError};

/// Leases, wake-ups and budgets of a replica, in Redis. Its tasks end when it is dropped.
pub struct RedisCoordinator {
    pub(crate) link: Arc<Link>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) health: Arc<CoordinationHealth>,
    pub(crate) budgets: RwLock<BudgetLimits>,
    /// How many replicas share the budgets without Redis.
    pub(crate) fallback_share: NonZeroU16,
    /// What this replica may do without Redis.
    pub(crate) own_share: InProcessBudget,
    local: InProcessWakeups,
    announced: mpsc::Sender<Wakeup>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl RedisCoordinator {
    /// Starts connecting, and goes on trying for good: a Redis that is down stops no start. Call it within a Tokio
    /// runtime. Fails only on a configuration that can never work.
    pub fn connect(
        config: RedisConfig,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Arc<Self>, RedisConfigError> {
        let client = config.client()?;
        let health = Arc::new(CoordinationHealth::default());
        let standing = Arc::new(Standing::new(clock.clone(), health.clone()));
        let (announced, queue) = mpsc::channel(announcer::BACKLOG);
        let shares = shares(&config.budgets, config.fallback_share);
        let coordinator = Self {
            link: Arc::new(Link::new(client.clone(), &config, clock.clone(), standing.clone())),
            own_share: InProcessBudget::new(clock.clone(), shares),
            budgets: RwLock::new(config.budgets.clone()),
            fallback_share: config.fallback_share,
            local: InProcessWakeups::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new().drop_guard(),
            entropy,
            health,
            announced,
        };
        coordinator.start(client, config, clock, standing, queue);
        Ok(Arc::new(coordinator))
    }

    fn start(
        &self,
        client: Client,
        config: RedisConfig,
        clock: Arc<dyn Clock>,
        standing: Arc<Standing>,
        queue: mpsc::Receiver<Wakeup>,
    ) {
        let origin = Origin::draw(self.entropy.as_ref());
        let (link, health) = (self.link.clone(), self.health.clone());
        let announcer = Announcer { link, origin: origin.clone(), health, queue };
        self.tasks.spawn(announcer.run(self.stop_token()));

        let (link, local, health) = (self.link.clone(), self.local.clone(), self.health.clone());
        let listener = Listener { client, config, link, clock, origin, local, standing, health };
        self.tasks.spawn(self.stop_token().run_until_cancelled_owned(listener.run()));

        let link = self.link.clone();
        self.tasks.spawn(self.stop_token().run_until_cancelled_owned(async move { link.heal().await }));
    }

    /// How Redis is, for health and metrics.
    pub fn health(&self) -> Arc<CoordinationHealth> {
        self.health.clone()
    }

    /// Publishes what was announced and ends. Takes a few timeouts at most. Leases that are held run out.
    pub async fn close(&self) {
        self.stop_token().cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn stop_token(&self) -> CancellationToken {
        self.stop.token().clone()
    }
}

impl Wakeups for RedisCoordinator {
    /// Subscribers of this process hear it at once, with or without Redis.
    fn announce(&self, wakeup: Wakeup) {
        self.local.announce(wakeup);
        if self.announced.try_send(wakeup).is_err() {
            self.health.count_lost_wakeup();
        }
    }

    fn subscribe(&self) -> WakeupStream {
        self.local.subscribe()
    }

    fn is_shared(&self) -> bool {
        true
    }
}
