//! Pools of connections, one for each kind of work: a burst of one kind does not starve the others.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, Executor, PgPool};

use crate::OpenOptions;
use crate::condemned::Condemned;
use crate::operation::{ACQUIRE, LOCK, STATEMENT};

/// Long enough not to matter, short enough that a load balancer's or proxy's moves are followed.
const CONNECTION_LIFE: Duration = Duration::from_secs(600);

#[derive(Debug, Clone)]
pub(crate) struct Pools {
    /// Reads of callers, and consents.
    pub(crate) vending: PgPool,
    /// Claims, SENT, what is due.
    pub(crate) rotation: PgPool,
    /// Adoptions, and what must not wait behind claims: closings, heartbeats.
    pub(crate) adoption: PgPool,
    /// The one connection that listens: it would be missing for good elsewhere.
    pub(crate) listening: PgPool,
    pub(crate) condemned: Arc<Condemned>,
}

impl Pools {
    /// Opens one connection, to see that it can be done; the others when they are needed.
    pub(crate) async fn open(connect: PgConnectOptions, options: &OpenOptions) -> Result<Self, sqlx::Error> {
        let condemned = Arc::new(Condemned::default());
        let connect = session(connect);
        let pool = |name: &str, size| {
            pool_options(size, condemned.clone())
                .connect_lazy_with(connect.clone().application_name(&format!("token-broker {name}")))
        };
        let pools = Self {
            vending: pool("vending", options.vending_connections),
            rotation: pool("rotation", options.rotation_connections),
            adoption: pool("adoption", options.adoption_connections),
            listening: pool("listening", 1),
            condemned: condemned.clone(),
        };
        pools.rotation.acquire().await?;
        Ok(pools)
    }

    /// Waits for what is running and closes every connection; adoptions last.
    pub(crate) async fn close(&self) {
        self.vending.close().await;
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
