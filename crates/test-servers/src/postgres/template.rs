//! A database that is made once and copied for every test.

use anyhow::{Context as _, Result};
use sqlx::{Connection as _, PgConnection};

use super::sql::{self, Name};
use super::{Postgres, TestDatabase};
use crate::missing::or_panic;

/// A finished database to make copies of.
pub struct Template<'a> {
    postgres: &'a Postgres,
    name: Name,
}

impl Postgres {
    /// The template of this name. Whoever comes first makes it: `make` is given the URL of an empty database and fills
    /// it. Others wait, in other processes too. The name should change with the content: lower-case letters, digits, `_`.
    ///
    /// # Panics
    /// When the name has other letters or the server fails.
    pub async fn template(&self, name: &str, make: impl AsyncFnOnce(String)) -> Template<'_> {
        let name =
            or_panic(Name::new(format!("template_{name}")).context("a template's name is a-z, 0-9 and _"));
        or_panic(self.ensure(&name, make).await.with_context(|| format!("cannot make {}", name.as_str())));
        Template { postgres: self, name }
    }

    async fn ensure(&self, name: &Name, make: impl AsyncFnOnce(String)) -> Result<()> {
        let mut connection = PgConnection::connect(self.url()).await?;
        // Held until the connection closes; a maker that dies lets the next one try.
        sqlx::query("SELECT pg_advisory_lock(hashtextextended($1, 0))")
            .bind(name.as_str())
            .execute(&mut connection)
            .await?;
        if !is_finished(&mut connection, name).await? {
            sql::remove(&mut connection, name).await?;
            sql::create(&mut connection, name).await?;
            make(sql::sibling(self.url(), name).context("the server's URL is none")?).await;
            sql::close(&mut connection, name).await?;
        }
        Ok(connection.close().await?)
    }
}

impl Template<'_> {
    /// A copy for one test, which is removed when it is dropped.
    ///
    /// # Panics
    /// When the server fails.
    pub async fn fresh_database(&self) -> TestDatabase {
        or_panic(TestDatabase::copy_of(self.postgres.url(), &self.name).await)
    }
}

/// A finished template takes no connections; one whose maker died still does.
async fn is_finished(connection: &mut PgConnection, name: &Name) -> sqlx::Result<bool> {
    sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1 AND NOT datallowconn)")
        .bind(name.as_str())
        .fetch_one(connection)
        .await
}
