//! The store the configuration names: one door or the other, the same ports behind it.

use std::sync::Arc;

use anyhow::Context;
use broker_core::TenantId;
use broker_core::ports::{
    AccessStore, ConsentStore, DeletionStore, FleetStore, GrantStore, KeyStore, Ledger, RevocationStore,
    SchedulerStore, SealedStore, StoreError, TenantStore,
};
use broker_crypto::WrappedDek;
use broker_postgres::PostgresStore;
use broker_sqlite::SqliteStore;

use crate::config::{Config, StoreLocation};

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
    pub(crate) async fn open(config: &Config) -> anyhow::Result<Self> {
        Self::open_as(config, false).await
    }

    /// Opens the store and brings its schema up to date.
    pub(crate) async fn migrate(config: &Config) -> anyhow::Result<Self> {
        Self::open_as(config, true).await
    }

    async fn open_as(config: &Config, migrate: bool) -> anyhow::Result<Self> {
        let store = match config.store.location().map_err(anyhow::Error::msg)? {
            StoreLocation::Sqlite(location) => {
                SqliteStore::open(location).await.map(Arc::new).map(Self::Sqlite).map_err(anyhow::Error::from)
            }
            StoreLocation::Postgres(url) => {
                let options = broker_postgres::OpenOptions { migrate, ..config.store.postgres_options() };
                let opened = PostgresStore::open(url.expose(), options).await;
                opened.map(Arc::new).map(Self::Postgres).map_err(anyhow::Error::from)
            }
        };
        store.context("cannot open the store")
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

    pub(crate) fn ledger(&self) -> Arc<dyn Ledger> {
        either!(self, store => store.clone())
    }

    pub(crate) fn sealed(&self) -> Arc<dyn SealedStore> {
        either!(self, store => store.clone())
    }

    /// The oldest data key of each of the first `limit` tenants.
    pub(crate) async fn oldest_data_keys(
        &self,
        limit: u32,
    ) -> Result<Vec<(TenantId, WrappedDek)>, StoreError> {
        either!(self, store => store.oldest_data_keys(limit).await)
    }

    /// Waits for what is running, and closes the store.
    pub(crate) async fn close(&self) {
        either!(self, store => store.close().await);
    }
}
