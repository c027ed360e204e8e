//! Where the replicas keep grants and leases.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Result, ensure};

use crate::evidence::{Postgres, Reader, Sqlite};
use crate::plan::Plan;
use crate::servers::Servers;

/// Where grants are to be kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum StoreAt {
    /// In a Postgres that is started for the storm.
    Private,
    /// In a database of its own, which is empty at first.
    Postgres { url: String },
    /// In a file next to the only replica.
    Sqlite,
}

/// Where leases are to be kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum LeaseAt {
    /// In a Redis that is started for the storm.
    Private,
    Redis {
        url: String,
    },
    InProcess,
}

impl FromStr for StoreAt {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "private" => Ok(Self::Private),
            "sqlite" => Ok(Self::Sqlite),
            url if url.starts_with("postgres://") => Ok(Self::Postgres { url: url.to_owned() }),
            _ => Err("write private, sqlite or postgres://..."),
        }
    }
}

impl FromStr for LeaseAt {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "private" => Self::Private,
            "in-process" => Self::InProcess,
            url => Self::Redis { url: url.to_owned() },
        })
    }
}

/// Store and lease backend of one storm.
pub(crate) struct Stores {
    store: Store,
    /// `None`: in process.
    redis: Option<String>,
}

enum Store {
    Sqlite(PathBuf),
    Postgres(String),
}

impl Stores {
    /// Checks that all replicas can share them.
    pub(crate) fn of(plan: &Plan, servers: &Servers, directory: &Path) -> Result<Self> {
        let alone = plan.store == StoreAt::Sqlite;
        ensure!(plan.replicas > 0, "a storm needs a replica");
        ensure!(
            plan.replicas == 1 || !alone,
            "more than one replica needs --store private or postgres://..."
        );
        let store = match (&plan.store, servers.postgres()) {
            (StoreAt::Postgres { url }, _) => Store::Postgres(url.clone()),
            (StoreAt::Private, Some(url)) => Store::Postgres(url.to_owned()),
            _ => Store::Sqlite(directory.join("broker.db")),
        };
        let redis = match plan.lease() {
            LeaseAt::Redis { url } => Some(url),
            LeaseAt::Private => servers.redis().map(str::to_owned),
            LeaseAt::InProcess => None,
        };
        Ok(Self { store, redis })
    }

    /// `[store] url`.
    pub(crate) fn store_url(&self) -> String {
        match &self.store {
            Store::Sqlite(file) => format!("sqlite://{}", file.display()),
            Store::Postgres(url) => url.clone(),
        }
    }

    /// `[lease] url`.
    pub(crate) fn lease_url(&self) -> &str {
        self.redis.as_deref().unwrap_or("in-process")
    }

    /// The database, which must be migrated before the first start; `None` if it is no server.
    pub(crate) fn postgres(&self) -> Option<&str> {
        match &self.store {
            Store::Sqlite(_) => None,
            Store::Postgres(url) => Some(url),
        }
    }

    /// A look into the store behind the broker's back.
    pub(crate) async fn reader(&self) -> Result<Box<dyn Reader>> {
        Ok(match &self.store {
            Store::Sqlite(file) => Box::new(Sqlite::open(file).await?),
            Store::Postgres(url) => Box::new(Postgres::open(url).await?),
        })
    }

    /// For the report.
    pub(crate) const fn describe(&self) -> &'static str {
        match (&self.store, &self.redis) {
            (Store::Sqlite(_), None) => "SQLite, leases in process",
            (Store::Sqlite(_), Some(_)) => "SQLite and Redis",
            (Store::Postgres(_), None) => "Postgres, leases in process",
            (Store::Postgres(_), Some(_)) => "Postgres and Redis",
        }
    }
}
