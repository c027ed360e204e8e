//! A Postgres that belongs to one test.

use std::cell::RefCell;

use super::{dump, launch};
use crate::binaries::Binaries;
use crate::bring::bring;
use crate::missing::{Missing, or_panic};
use crate::product::POSTGRES;
use crate::server::{End, Server};
use crate::source::Use;

/// How a Postgres is started.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// Whether a commit waits for the disk (`fsync`). Needed to survive a power failure, not a SIGKILL.
    pub durable: bool,
    /// More settings, as in `postgresql.conf`.
    pub settings: Vec<(String, String)>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self { durable: true, settings: Vec::new() }
    }
}

/// A Postgres that one test may kill, pause and start again. Port and data stay the same. Dropping it ends it.
pub struct PrivatePostgres {
    server: Server,
    /// What it was started from; `None` in a container.
    programs: Option<Binaries>,
}

impl PrivatePostgres {
    /// Starts one.
    ///
    /// # Panics
    /// When there is none on this machine; the text says what to do. So does every other method when it fails.
    pub async fn start(options: PostgresOptions) -> Self {
        or_panic(or_panic(tokio::task::spawn_blocking(move || Self::bring(&options)).await))
    }

    /// A server from the best source there is.
    pub(crate) fn bring(options: &PostgresOptions) -> Result<Self, Missing> {
        let programs = RefCell::new(None);
        let server = bring(&POSTGRES, Use::Private, |source| {
            programs.replace(source.programs().cloned());
            launch::launch(source, options)
        })?;
        Ok(Self { server, programs: programs.into_inner() })
    }

    /// Version and origin, for people.
    pub(crate) fn description(&self) -> String {
        format!("Postgres {} from {}, commits on disk", self.server.version, self.server.origin)
    }

    /// The URL of a database to connect to, as a superuser.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// SIGKILL for every process of the server: a crash.
    pub async fn kill(&self) {
        self.server.end(End::Kill).await;
    }

    /// An immediate shutdown: connections break, and the next start recovers.
    pub async fn stop_immediate(&self) {
        self.server.end(End::Quit).await;
    }

    /// Stops every process of the server: connections stay open, and nothing is answered.
    pub async fn pause(&self) {
        self.server.pause().await;
    }

    /// Lets them go on.
    pub async fn resume(&self) {
        self.server.resume().await;
    }

    /// Starts it again after `kill` or `stop_immediate`, and waits until it can be used.
    pub async fn start_again(&self) {
        self.server.start_again().await;
    }

    /// Backs a database up with `pg_dump` while it is used, and restores it into another, empty one.
    pub async fn dump_and_restore(&self, from: &str, to: &str) {
        let Some(programs) = self.programs.clone() else {
            return self.server.run_within(dump::script(from, to)).await;
        };
        let [from, to] = [from, to].map(|name| self.url_of(name));
        let work = tokio::task::spawn_blocking(move || dump::here(&programs, &from, &to));
        or_panic(or_panic(work.await));
    }

    /// The server's own database is the last part of its URL.
    fn url_of(&self, database: &str) -> String {
        let (server, _) = self.url().rsplit_once('/').unwrap_or_default();
        format!("{server}/{database}")
    }
}
