//! Opening a store, and what can be wrong with its database.

use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use broker_core::Quotas;
use broker_core::measure::Operations;
use broker_core::ports::StoreError;
use sqlx::migrate::MigrateError;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tokio_util::task::TaskTracker;

use crate::batch::Batcher;
use crate::fleet::Seen;
use crate::grants::{Adoptions, Claims, SentMarks};
use crate::isolation;
use crate::migrations;
use crate::operation::{CALL, bounded};
use crate::pools::{Connections, Pools, session};
use crate::process_role::ProcessRole;
use crate::rotation_requests::Stirring;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenOptions {
    /// Bring the schema up to date first, as `token-broker migrate` does.
    pub migrate: bool,
    /// What the process is, and so which database roles its connections act as.
    pub process_role: ProcessRole,
    /// At most so many connections for reads of callers.
    pub vending_connections: u32,
    /// At most so many connections for claims and SENT.
    pub rotation_connections: u32,
    /// At most so many connections for adoptions, closings and heartbeats.
    pub adoption_connections: u32,
}

impl Default for OpenOptions {
    fn default() -> Self {
        Self {
            migrate: false,
            process_role: ProcessRole::All,
            vending_connections: 8,
            rotation_connections: 6,
            adoption_connections: 6,
        }
    }
}

/// Why a store could not be opened. No text here holds anything of the URL.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL cannot be read. Its text is kept back, as it may hold a password.
    #[error("the database URL cannot be read: write it as postgres://user@host:5432/database")]
    Url,
    /// The database did not answer, or refused us.
    #[error("the database cannot be reached: check the URL, that the server runs, and the user's password")]
    Unreachable(#[source] sqlx::Error),
    /// The schema is older than this version needs.
    #[error(
        "the database has schema {found} and this version needs schema {known}: run `token-broker migrate` first"
    )]
    OlderSchema {
        /// The schema found.
        found: i64,
        /// The schema needed.
        known: i64,
    },
    /// A later version has taken away what this version needs.
    #[error(
        "the database has schema {found}, which no longer serves a version that knows schemas up to {known}: \
         start the version that wrote it, or a later one"
    )]
    NewerSchema {
        /// The schema found.
        found: i64,
        /// The last schema known.
        known: i64,
    },
    /// The user may not act as a role its process needs, or the role is gone.
    #[error(
        "the database user may not act as `{0}`: run `GRANT {0} TO` the user as a superuser; docs/postgres.md has all \
         that users need"
    )]
    Role(&'static str),
    /// The roles are not there, and the user who migrates may not make them.
    #[error(
        "the broker's roles are not there and this user may not create them: as a superuser run `CREATE ROLE \
         token_broker_api NOLOGIN; CREATE ROLE token_broker_rotator NOLOGIN; CREATE ROLE token_broker_admin NOLOGIN;`, \
         then `token-broker migrate` again"
    )]
    MissingRoles(#[source] MigrateError),
    /// The user who migrates does not own what it has to change.
    #[error("this user may not change the schema: run `token-broker migrate` as the owner of the database")]
    NotOwner(#[source] MigrateError),
    /// The schema is unfinished, was changed by hand, or cannot be brought up to date.
    #[error(
        "the schema of the database is not one of token-broker's: restore it from a backup, or use another database"
    )]
    Schema(#[source] MigrateError),
}

/// A store in a Postgres database, which other replicas may share.
///
/// Implements every store port of `broker_core`. Needs a Tokio runtime for its whole life.
#[derive(Debug)]
pub struct PostgresStore {
    pub(crate) pools: Pools,
    pub(crate) claims: Batcher<Claims>,
    pub(crate) sent_marks: Batcher<SentMarks>,
    pub(crate) adoptions: Batcher<Adoptions>,
    pub(crate) seen: Arc<Seen>,
    /// Up to which closing time [`prune`](broker_core::ports::GrantStore::prune_attempts) has looked.
    pub(crate) pruned_to: AtomicI64,
    pub(crate) quotas: Quotas,
    pub(crate) operations: Operations,
    pub(crate) stirring: Stirring,
    pub(crate) process_role: ProcessRole,
    tasks: TaskTracker,
}

impl PostgresStore {
    /// Opens the store. Its schema must be up to date, or `options` says to bring it there. TLS is asked for in the
    /// URL (`sslmode`, `sslrootcert`).
    pub async fn open(url: &str, options: OpenOptions) -> Result<Self, OpenError> {
        let connect = parse(url)?;
        if options.migrate {
            migrations::migrate(url).await?;
        }
        let mut login = session(connect.clone()).connect().await.map_err(OpenError::Unreachable)?;
        let checked = isolation::check(&mut login, options.process_role).await;
        // Whether the server hears of the end changes nothing.
        let _ = login.close().await;
        checked?;
        Ok(Self::over(Pools::new(&connect, &options), options.process_role))
    }

    fn over(pools: Pools, process_role: ProcessRole) -> Self {
        let tasks = TaskTracker::new();
        let seen = Arc::new(Seen::default());
        let claims = Claims { pool: pools.rotation.clone(), seen: seen.clone() };
        Self {
            claims: Batcher::new(claims, tasks.clone()),
            sent_marks: Batcher::new(SentMarks { pool: pools.rotation.clone() }, tasks.clone()),
            adoptions: Batcher::new(Adoptions { pool: pools.adoption.clone() }, tasks.clone()),
            seen,
            pruned_to: AtomicI64::new(i64::MIN),
            quotas: Quotas::default(),
            operations: Operations::default(),
            stirring: Stirring::new(pools.listening.clone(), tasks.clone()),
            tasks,
            process_role,
            pools,
        }
    }

    /// The store, which gives no tenant more than this. It is opened with the default quotas.
    #[must_use]
    pub fn with_quotas(self, quotas: Quotas) -> Self {
        Self { quotas, ..self }
    }

    /// How long its operations took so far.
    pub fn operations(&self) -> &Operations {
        &self.operations
    }

    /// How many connections are in use now, and how many wait for work.
    pub fn connections(&self) -> Connections {
        self.pools.connections()
    }

    /// Waits for what is running and closes every connection.
    pub async fn close(&self) {
        self.stirring.stop();
        self.tasks.close();
        self.tasks.wait().await;
        self.pools.close().await;
    }

    /// Runs one operation under its name and within its time, and learns from its failure.
    pub(crate) async fn operation<T>(
        &self,
        name: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        self.operation_within(CALL, name, work).await
    }

    /// The same, within another time.
    pub(crate) async fn operation_within<T>(
        &self,
        limit: Duration,
        name: &'static str,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let done = self.operations.timed(name, bounded(name, limit, work)).await;
        done.inspect_err(|error| self.pools.condemned.learn_from(error))
    }
}

/// Whether the URL can be read, without connecting.
pub fn check_url(url: &str) -> Result<(), OpenError> {
    parse(url).map(|_| ())
}

pub(crate) fn parse(url: &str) -> Result<PgConnectOptions, OpenError> {
    url.parse().map_err(|_: sqlx::Error| OpenError::Url)
}
