//! The database of one test.

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, PgConnection};

use super::sql::{self, Name};
use crate::missing::or_panic;
use crate::{names, own_runtime};

/// A database that no other test sees. Dropping it removes it from the server.
pub struct TestDatabase {
    url: String,
    server: String,
    name: Name,
}

impl TestDatabase {
    pub(super) fn new(server: &str, name: Name) -> Result<Self> {
        let url = sql::sibling(server, &name).context("the server's URL is none")?;
        Ok(Self { url, server: server.to_owned(), name })
    }

    /// Its URL, as a role that owns it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A copy of what is in it now. Whoever is connected to it must leave within seconds.
    ///
    /// # Panics
    /// When the server fails, or somebody stays connected.
    pub async fn copy(&self) -> Self {
        or_panic(Self::copy_of(&self.server, &self.name).await)
    }

    /// A copy of what is in it now, as a standby has one. Whoever is connected is cut off.
    ///
    /// # Panics
    /// When the server fails, or somebody connects meanwhile.
    pub async fn standby(&self) -> Self {
        or_panic(self.cut_off().await);
        self.copy().await
    }

    /// Is from now on what that other database is, as after a failover to it. Whoever is connected is cut off, and finds
    /// it under the same URL.
    ///
    /// # Panics
    /// When the server fails, or somebody is connected to the other one.
    pub async fn fail_over_to(&self, standby: &Self) {
        or_panic(self.become_copy_of(standby).await);
    }

    async fn become_copy_of(&self, original: &Self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        sql::remove(&mut connection, &self.name).await?;
        sql::copy(&mut connection, &original.name, &self.name).await?;
        Ok(connection.close().await?)
    }

    async fn cut_off(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        sql::cut_off(&mut connection, &self.name).await?;
        Ok(connection.close().await?)
    }

    pub(super) async fn copy_of(server: &str, original: &Name) -> Result<Self> {
        let made = async {
            let name = Name::new(format!("test_{}", names::unique())).context("a unique name is a name")?;
            let mut connection = PgConnection::connect(server).await?;
            sql::copy(&mut connection, original, &name).await?;
            connection.close().await?;
            Self::new(server, name)
        };
        made.await.with_context(|| format!("cannot copy {}", original.as_str()))
    }

    async fn remove(&self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        sql::remove(&mut connection, &self.name).await?;
        Ok(connection.close().await?)
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        // A test has no runtime left to wait in.
        if let Err(error) = own_runtime::run(async || self.remove().await) {
            eprintln!("test-servers: cannot remove the database {}: {error:#}", self.name.as_str());
        }
    }
}
