//! Pools of connections, one for each kind of work: a burst of one kind does not starve the others, and none may do
//! what is another's work.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

use crate::OpenOptions;
use crate::condemned::Condemned;
use crate::database_role::DatabaseRole;
use crate::operation::{ACQUIRE, LOCK, STATEMENT};

/// Long enough not to matter, short enough that a load balancer's or proxy's moves are followed.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);

/// Operators are few, and nothing waits for them.
const ADMIN_CONNECTIONS: u32 = 4;

/// What is read here is cached, and what is written is not on the way of a token.
const CONSENT_CONNECTIONS: u32 = 4;

/// Open connections of all pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// At work.
    pub used: u64,
    /// Waiting for work.
    pub idle: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Pools {
    /// Reads of callers.
    pub(crate) vending: PgPool,
    /// What operators do. A statement here names its tenant, see `scope`.
    pub(crate) admin: PgPool,
    /// Consents, registrations and keys, and pruning.
    pub(crate) consent: PgPool,
    /// Claims, SENT, what is due.
    pub(crate) rotation: PgPool,
    /// Adoptions, and what must not wait behind claims: closings, heartbeats.
    pub(crate) adoption: PgPool,
    /// The one connection that listens: it would be missing for good elsewhere.
    pub(crate) listening: PgPool,
    pub(crate) condemned: Arc<Condemned>,
}

impl Pools {
    /// Opens no connection: each is opened when it is needed, and acts as the role of its pool.
    pub(crate) fn new(connect: &PgConnectOptions, options: &OpenOptions) -> Self {
        let condemned = Arc::new(Condemned::default());
        let pool = |name: &str, size, role| {
            let acting =
                session(connect.clone()).options([("role", options.process_role.acting(role).name())]);
            pool_options(size, condemned.clone())
                .connect_lazy_with(acting.application_name(&format!("token-broker {name}")))
        };
        Self {
            vending: pool("vending", options.vending_connections, DatabaseRole::Api),
            admin: pool("admin", ADMIN_CONNECTIONS, DatabaseRole::Admin),
            consent: pool("consent", CONSENT_CONNECTIONS, DatabaseRole::Rotator),
            rotation: pool("rotation", options.rotation_connections, DatabaseRole::Rotator),
            adoption: pool("adoption", options.adoption_connections, DatabaseRole::Rotator),
            listening: pool("listening", 1, DatabaseRole::Api),
            condemned: condemned.clone(),
        }
    }

    pub(crate) fn connections(&self) -> Connections {
        let pools =
            [&self.vending, &self.admin, &self.consent, &self.rotation, &self.adoption, &self.listening];
        let (all, idle) = pools
            .into_iter()
            .fold((0, 0), |(all, idle), pool| (all + u64::from(pool.size()), idle + pool.num_idle() as u64));
        Connections { used: all.saturating_sub(idle), idle }
    }

    /// Waits for what is running and closes every connection; adoptions last.
    pub(crate) async fn close(&self) {
        self.vending.close().await;
        self.admin.close().await;
        self.consent.close().await;
        self.rotation.close().await;
        self.adoption.close().await;
        self.listening.close().await;
    }
}

fn pool_options(size: u32, condemned: Arc<Condemned>) -> PgPoolOptions {
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(ACQUIRE)
        .max_lifetime(CONNECTION_LIFE)
        // A ping costs every call a round trip. A dead connection costs one call an error, see `Condemned`.
        .test_before_acquire(false)
        .before_acquire(move |_, connection| {
            let spared = condemned.spares(connection.age);
            Box::pin(async move { Ok(spared) })
        })
        .after_connect(|connection, _| Box::pin(async move { connection.execute(DURABLE).await.map(|_| ()) }))
}

/// A commit that is answered is on disk: every fence of the protocol rests on it. A stricter setting is left alone.
const DURABLE: &str = "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// What every connection asks of its session, whatever the server's configuration says.
pub(crate) fn session(connect: PgConnectOptions) -> PgConnectOptions {
    let millis = |span: Duration| span.as_millis().to_string();
    connect
        .options([
            ("statement_timeout", millis(STATEMENT)),
            ("lock_timeout", millis(LOCK)),
            ("idle_in_transaction_session_timeout", millis(STATEMENT)),
            ("default_transaction_isolation", "read committed".to_owned()),
            ("jit", "off".to_owned()),
        ])
        .statement_cache_capacity(200)
        .disable_statement_logging()
}
