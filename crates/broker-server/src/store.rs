//! The store the configuration names: one door or the other, the same ports behind it.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use broker_core::TenantId;
use broker_core::measure::Operations;
use broker_core::ports::{
    AccessStore, ConsentStore, DeletionStore, EventStore, FleetStore, GrantStore, KeyStore, Ledger,
    MachineCredentialStore, RevocationStore, RotationRequests, SchedulerStore, SealedStore, StoreError,
    TenantStore, WebhookStore,
};
use broker_crypto::{KekId, KeyPurpose, WrappedDek};
use broker_postgres::{Connections, OpenOptions, PostgresStore};
use broker_sqlite::SqliteStore;

use crate::config::{Config, StoreLocation};
use crate::role::Role;

const GRANTS_NEEDED: &str = "the broker's database user must be a member of token_broker_api, token_broker_rotator and \
                             token_broker_admin (GRANT role TO user); see docs/postgres.md";

/// An open store.
#[derive(Clone)]
pub(crate) enum Store {
    Sqlite(Arc<SqliteStore>),
    Postgres(Arc<PostgresStore>),
}

/// Expands to the same expression for whichever store it is.
macro_rules! either {
    ($store:expr, $name:ident => $result:expr) => {
        match $store {
            Store::Sqlite($name) => $result,
            Store::Postgres($name) => $result,
        }
    };
}

impl Store {
    /// Opens the store. SQLite's schema is brought up to date; that of Postgres only by `token-broker migrate`, because
    /// other replicas may be at work.
    pub(crate) async fn open(config: &Config, role: Role) -> anyhow::Result<Self> {
        let quotas = config.quotas().map_err(|problems| anyhow!(problems.join("; ")))?;
        let store = match config.store.location().map_err(anyhow::Error::msg)? {
            StoreLocation::Sqlite(location) => {
                let opened = SqliteStore::open(location).await.map(|store| store.with_quotas(quotas));
                opened.map(Arc::new).map(Self::Sqlite).map_err(anyhow::Error::from)
            }
            StoreLocation::Postgres(url) => {
                let options =
                    OpenOptions { process_role: role.process_role(), ..config.store.postgres_options() };
                let opened = PostgresStore::open(url.expose(), options).await;
                let opened = opened.map(|store| store.with_quotas(quotas));
                opened.map(Arc::new).map(Self::Postgres).map_err(anyhow::Error::from)
            }
        };
        store.context("cannot open the store")
    }

    /// Brings the store's schema up to date. Answers what is left to do by hand, if anything is: whoever migrates Postgres
    /// owns the schema, and is not the user that the broker serves as.
    pub(crate) async fn migrate(config: &Config) -> anyhow::Result<Option<&'static str>> {
        match config.store.location().map_err(anyhow::Error::msg)? {
            StoreLocation::Sqlite(location) => {
                let opened = SqliteStore::open(location).await.context("cannot open the store")?;
                opened.close().await;
                Ok(None)
            }
            StoreLocation::Postgres(url) => {
                broker_postgres::migrate(url.expose()).await.context("cannot migrate the store")?;
                Ok(Some(GRANTS_NEEDED))
            }
        }
    }

    pub(crate) fn grants(&self) -> Arc<dyn GrantStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn consents(&self) -> Arc<dyn ConsentStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn tenants(&self) -> Arc<dyn TenantStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn revocations(&self) -> Arc<dyn RevocationStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn deletions(&self) -> Arc<dyn DeletionStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn fleet(&self) -> Arc<dyn FleetStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn access(&self) -> Arc<dyn AccessStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn scheduler(&self) -> Arc<dyn SchedulerStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn keys(&self) -> Arc<dyn KeyStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn events(&self) -> Arc<dyn EventStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        either!(self, store => store.clone())
    }

    pub(crate) fn machine_credentials(&self) -> Arc<dyn MachineCredentialStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn webhooks(&self) -> Arc<dyn WebhookStore> {
        either!(self, store => store.clone())
    }

    pub(crate) fn sealed(&self) -> Arc<dyn SealedStore> {
        either!(self, store => store.clone())
    }

    /// How long its operations took.
    pub(crate) fn operations(&self) -> &Operations {
        either!(self, store => store.operations())
    }

    /// As OpenTelemetry names its kind.
    pub(crate) fn system(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgresql",
        }
    }

    /// Its connections; `None` where there is no server.
    pub(crate) fn connections(&self) -> Option<Connections> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.connections()),
        }
    }

    /// Where processes ask each other for rotations; `None` where one process has the store to itself.
    pub(crate) fn rotation_requests(&self) -> Option<Arc<dyn RotationRequests>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(store) => Some(store.clone()),
        }
    }

    /// The oldest data key of that purpose of each of the first `limit` tenants.
    pub(crate) async fn oldest_data_keys(
        &self,
        purpose: KeyPurpose,
        limit: u32,
    ) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        either!(self, store => store.oldest_data_keys(purpose, limit).await)
    }

    /// Which of these key encryption keys wrap a data key of that purpose. Asked where processes of several roles share
    /// a store; never of one that has a single process.
    pub(crate) async fn wrapping_keys(
        &self,
        purpose: KeyPurpose,
        among: &[KekId],
    ) -> Result<Vec<KekId>, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(among.to_vec()),
            Self::Postgres(store) => store.wrapping_keys(purpose, among).await,
        }
    }

    /// Waits for what is running, and closes the store.
    pub(crate) async fn close(&self) {
        either!(self, store => store.close().await);
    }
}
