//! Whether a Postgres can be used for the tests.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use sqlx::{Connection as _, PgConnection};

use crate::own_runtime;
use crate::product::POSTGRES;
use crate::version::Version;

const PATIENCE: Duration = Duration::from_secs(10);

/// Its version, if that is new enough and the role of the URL may create databases.
pub(super) fn version(url: &str) -> Result<Version> {
    own_runtime::run(async || {
        tokio::time::timeout(PATIENCE, ask(url))
            .await
            .with_context(|| format!("no answer in {PATIENCE:?}"))?
    })
}

async fn ask(url: &str) -> Result<Version> {
    let mut connection = PgConnection::connect(url).await.context("cannot connect")?;
    let text: String = sqlx::query_scalar("SHOW server_version").fetch_one(&mut connection).await?;
    let version = Version::within(&text).with_context(|| format!("`{text}` is no version"))?;
    ensure!(version.major >= POSTGRES.least, "Postgres {version} is too old: {} is needed", POSTGRES.least);
    let may: bool =
        sqlx::query_scalar("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user")
            .fetch_one(&mut connection)
            .await?;
    ensure!(may, "its role may not create databases: give it CREATEDB");
    connection.close().await?;
    Ok(version)
}
