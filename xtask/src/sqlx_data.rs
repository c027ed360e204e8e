//! `cargo xtask sqlx-data`: the description of every SQL statement of the Postgres store, as the server gives it.
//!
//! The compiler checks the statements against this data, so that a build needs no database. It is committed; `--check`
//! fails when it is not what the migrations and the statements make it.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::servers::Servers;
use crate::workspace::Workspace;

const MIGRATIONS: &str = "migrations/postgres";
const PACKAGE: &str = "broker-postgres";
const COMMITTED: &str = "crates/broker-postgres/.sqlx";
const LIB: &str = "crates/broker-postgres/src/lib.rs";

/// Whether to write or to compare.
#[derive(Args)]
pub(crate) struct SqlxDataArgs {
    /// Change nothing; fail when the committed data differs
    #[arg(long)]
    check: bool,
}

/// The files of a folder, by name.
type Files = BTreeMap<String, Vec<u8>>;

/// Compiles the store against a database of its migrations, and keeps or compares what that writes.
pub(crate) fn run(workspace: &Workspace, args: &SqlxDataArgs) -> Result<ExitCode> {
    let fresh = workspace.target_dir().join("sqlx-data");
    // Statements that are gone leave their files behind.
    let _old = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh).with_context(|| format!("cannot make {}", fresh.display()))?;
    describe(workspace, &fresh)?;
    let (fresh, committed) = (read(&fresh)?, workspace.root().join(COMMITTED));
    ensure!(!fresh.is_empty(), "the compiler described no statement of {PACKAGE}");
    match args.check {
        true => compare(&fresh, &read(&committed)?),
        false => write(&fresh, &committed),
    }
}

fn describe(workspace: &Workspace, into: &Path) -> Result<()> {
    let database = Servers::with_database(workspace, MIGRATIONS)?;
    // What has not changed is not compiled, and what is not compiled is not described.
    let lib = workspace.root().join(LIB);
    fs::write(&lib, fs::read(&lib)?)?;
    let status = workspace
        .command("cargo")
        .args(["check", "--locked", "--package", PACKAGE, "--lib"])
        .envs(database.variables())
        .env("SQLX_OFFLINE", "false")
        .env("SQLX_OFFLINE_DIR", into)
        .status()
        .context("cannot start cargo")?;
    ensure!(
        status.success(),
        "a statement of {PACKAGE} does not fit the schema: see the compiler's messages above"
    );
    Ok(())
}

fn read(folder: &Path) -> Result<Files> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(Files::new()) };
    entries
        .map(|entry| {
            let entry = entry?;
            Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
        })
        .collect()
}

fn compare(fresh: &Files, committed: &Files) -> Result<ExitCode> {
    let differ = fresh.iter().filter(|(name, content)| committed.get(*name) != Some(content)).count();
    let left_over = committed.keys().filter(|name| !fresh.contains_key(*name)).count();
    ensure!(
        differ + left_over == 0,
        "{COMMITTED} is out of date ({differ} statements new or changed, {left_over} gone): run `cargo xtask sqlx-data`"
    );
    Ok(ExitCode::SUCCESS)
}

fn write(fresh: &Files, committed: &Path) -> Result<ExitCode> {
    let _old = fs::remove_dir_all(committed);
    fs::create_dir_all(committed)?;
    for (name, content) in fresh {
        fs::write(committed.join(name), content)?;
    }
    eprintln!("{COMMITTED}: {} statements", fresh.len());
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Files {
        files.iter().map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec())).collect()
    }

    #[test]
    fn data_that_differs_is_out_of_date() {
        let fresh = files(&[("a", "1"), ("b", "2")]);
        assert!(compare(&fresh, &fresh).is_ok());
        for stale in [files(&[("a", "1")]), files(&[("a", "1"), ("b", "3")])] {
            assert!(
                compare(&fresh, &stale).unwrap_err().to_string().contains("1 statements new"),
                "{stale:?}"
            );
        }
        let left_over = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert!(compare(&fresh, &left_over).unwrap_err().to_string().contains("1 gone"));
    }
}
