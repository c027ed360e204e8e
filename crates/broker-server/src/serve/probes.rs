//! The HTTP listener of a process: there before the broker serves, and until the end.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::config::{Config, HTTP_RESERVE};
use crate::http::{self, Front};
use crate::listener::{HttpListener, Slots};
use crate::supervised::vital;

/// Probes have this long to go away at the end.
const PROBES_END_WITHIN: Duration = Duration::from_secs(2);

/// The listener, and what it shows.
pub(super) struct Probes {
    pub(super) front: Front,
    pub(super) slots: Arc<Slots>,
    stop: CancellationToken,
    _stopped_by_drop: DropGuard,
    tasks: TaskTracker,
}

impl Probes {
    /// Answers from now on.
    pub(super) fn answer(
        listener: TcpListener,
        config: &Config,
        draining: CancellationToken,
        failed: CancellationToken,
    ) -> Self {
        let (front, stop, tasks) = (Front::new(draining), CancellationToken::new(), TaskTracker::new());
        let slots = Slots::with_reserve("http", config.limits.http_connections, HTTP_RESERVE);
        let served = HttpListener::new(http::router(front.clone()), slots.clone(), &config.limits);
        tasks.spawn(vital("http_listener", failed, served.run(listener, tasks.clone(), stop.clone())));
        Self { front, slots, stop: stop.clone(), _stopped_by_drop: stop.drop_guard(), tasks }
    }

    pub(super) async fn end(&self) {
        self.stop.cancel();
        self.tasks.close();
        // A probe that hangs keeps nobody.
        let _ = tokio::time::timeout(PROBES_END_WITHIN, self.tasks.wait()).await;
    }
}
