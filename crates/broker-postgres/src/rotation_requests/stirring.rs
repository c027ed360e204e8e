//! Hearing at once that requests have come or were answered: LISTEN on a connection of its own.

use std::sync::OnceLock;
use std::time::Duration;

use broker_core::GrantId;
use sqlx::PgPool;
use sqlx::postgres::{PgListener, PgNotification};
use tokio::sync::broadcast::{self, Receiver, Sender};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{ANSWERED, REQUESTED};

/// The pause before a listener that cannot be had is tried again. Meanwhile whoever waits looks by himself.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// How far one who waits may fall behind before he looks all the same.
const BACKLOG: usize = 1024;

/// What was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Requested,
    Answered(GrantId),
}

/// Wakes who waits for requests or answers. Listens from the first time somebody waits.
#[derive(Debug)]
pub(crate) struct Stirring {
    pool: PgPool,
    tasks: TaskTracker,
    heard: OnceLock<Sender<Heard>>,
    stop: CancellationToken,
}

impl Stirring {
    pub(crate) fn new(pool: PgPool, tasks: TaskTracker) -> Self {
        Self { pool, tasks, heard: OnceLock::new(), stop: CancellationToken::new() }
    }

    /// Returns at the next request.
    pub(crate) async fn requested(&self) {
        self.until(|heard| heard == Heard::Requested).await;
    }

    /// Returns at the next answer to a request for that grant.
    pub(crate) async fn answered(&self, grant: GrantId) {
        self.until(|heard| heard == Heard::Answered(grant)).await;
    }

    /// Ends the listening.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// Falling behind counts as hearing: whoever waits looks.
    async fn until(&self, wanted: impl Fn(Heard) -> bool) {
        let mut heard = self.subscribe();
        while heard.recv().await.is_ok_and(|heard| !wanted(heard)) {}
    }

    fn subscribe(&self) -> Receiver<Heard> {
        let heard = self.heard.get_or_init(|| {
            let heard = broadcast::Sender::new(BACKLOG);
            let listening = listen(self.pool.clone(), heard.clone());
            self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(listening));
            heard
        });
        heard.subscribe()
    }
}

async fn listen(pool: PgPool, heard: Sender<Heard>) {
    loop {
        if let Err(error) = try_listen(&pool, &heard).await {
            tracing::warn!(%error, "notifications of rotation requests are not heard; the store is looked at instead");
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn try_listen(pool: &PgPool, heard: &Sender<Heard>) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([REQUESTED, ANSWERED]).await?;
    loop {
        if let Some(what) = read(&listener.recv().await?) {
            // Fails only when nobody waits.
            let _ = heard.send(what);
        }
    }
}

fn read(notification: &PgNotification) -> Option<Heard> {
    match notification.channel() {
        REQUESTED => Some(Heard::Requested),
        _ => GrantId::parse(notification.payload()).map(Heard::Answered),
    }
}
