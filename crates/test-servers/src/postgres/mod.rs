//! Postgres for tests.

mod database;
mod dump;
mod launch;
mod private;
mod probe;
mod script;
mod sql;
mod template;

use std::sync::OnceLock;

pub use database::TestDatabase;
pub use private::{PostgresOptions, PrivatePostgres};
pub use template::Template;

use crate::bring::bring;
use crate::missing::{Missing, or_panic};
use crate::product::POSTGRES;
use crate::server::Server;
use crate::source::Use;

/// A Postgres that many tests share. No test may hurt it.
pub struct Postgres {
    server: Server,
}

/// The Postgres of this process, started by the first caller. It ends with the process.
///
/// # Panics
/// When there is none; the text says what to do.
pub async fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Result<Postgres, Missing>> = OnceLock::new();
    // Off the caller's runtime: a start takes seconds.
    let shared = tokio::task::spawn_blocking(|| SHARED.get_or_init(Postgres::bring)).await;
    or_panic(or_panic(shared).as_ref())
}

impl Postgres {
    /// A server from the best source there is. Its data need not survive a power failure, so nothing waits for the disk.
    pub(crate) fn bring() -> Result<Self, Missing> {
        let options = PostgresOptions { durable: false, ..PostgresOptions::default() };
        let server = bring(&POSTGRES, Use::Shared, |source| launch::launch(source, &options))?;
        Ok(Self { server })
    }

    /// The URL of a database to connect to, as a role that may create databases.
    pub fn url(&self) -> &str {
        &self.server.url
    }

    /// Version and origin, for people.
    pub fn description(&self) -> String {
        format!("Postgres {} from {}", self.server.version, self.server.origin)
    }
}
