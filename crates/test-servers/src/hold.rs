//! Holds servers for another program.

use std::io::{self, Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::debian;
use crate::own_runtime;
use crate::postgres::{Postgres, PostgresOptions, PrivatePostgres};
use crate::product::{POSTGRES, REDIS};
use crate::redis::Redis;

/// Brings both servers, and holds them until stdin ends. Prints a line `VARIABLE=URL` and a line `# version and origin`
/// for each. Where there is none, Debian's packages are unpacked under `target/`.
///
/// # Errors
/// When there is no server and none can be unpacked; the text says what to do.
pub fn hold() -> Result<()> {
    let postgres = debian::or_unpacked(&POSTGRES, Postgres::bring)?;
    let redis = debian::or_unpacked(&REDIS, Redis::bring)?;
    announce(POSTGRES.variable, postgres.url(), &postgres.description())?;
    announce(REDIS.variable, redis.url(), &redis.description())?;
    until_stdin_ends()
}

/// Brings Postgres, makes a database, runs the `.sql` files of `folder` in it in the order of their names, and holds it
/// until stdin ends. Prints a line `DATABASE_URL=URL` and a line `# version and origin`.
///
/// # Errors
/// When there is no server and none can be unpacked, or a file fails.
pub fn hold_database(folder: &Path) -> Result<()> {
    let postgres = debian::or_unpacked(&POSTGRES, Postgres::bring)?;
    let database = own_runtime::run(async || postgres.database_from(folder).await)?;
    announce("DATABASE_URL", database.url(), &postgres.description())?;
    until_stdin_ends()
}

/// Brings a Postgres of its own whose commits wait for the disk, and holds it until stdin ends. Prints a line
/// `TEST_DATABASE_URL=URL` and a line `# version and origin`.
///
/// # Errors
/// When there is no server and none can be unpacked.
pub fn hold_durable() -> Result<()> {
    let postgres = debian::or_unpacked(&POSTGRES, || PrivatePostgres::bring(&PostgresOptions::default()))?;
    announce(POSTGRES.variable, postgres.url(), &postgres.description())?;
    until_stdin_ends()
}

fn announce(variable: &str, url: &str, description: &str) -> Result<()> {
    let mut output = io::stdout().lock();
    writeln!(output, "{variable}={url}\n# {description}")?;
    output.flush().context("nobody reads the URLs")
}

fn until_stdin_ends() -> Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).context("cannot wait for the end of stdin")?;
    Ok(())
}
