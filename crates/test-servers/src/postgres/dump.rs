//! A database backed up with `pg_dump` and restored beside the original, by the programs that came with the server.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::binaries::Binaries;

/// Runs the programs here. The URLs are those of databases on the server, as a superuser.
pub(super) fn here(programs: &Binaries, from: &str, to: &str) -> Result<()> {
    let mut dump =
        command(programs, "pg_dump").args(["--format=custom", from]).stdout(Stdio::piped()).spawn()?;
    let dumped = dump.stdout.take().context("pg_dump has no output")?;
    let restore =
        command(programs, "pg_restore").args(["--exit-on-error", "--dbname", to]).stdin(dumped).status()?;
    let dump = dump.wait()?;
    ensure!(dump.success() && restore.success(), "pg_dump ended with {dump}, pg_restore with {restore}");
    Ok(())
}

/// What a shell in the server's container runs. The names are those of databases.
pub(super) fn script(from: &str, to: &str) -> String {
    format!(
        "set -e; pg_dump --username=postgres --format=custom --file=/tmp/{from}.dump {from}; \
         pg_restore --username=postgres --exit-on-error --dbname={to} /tmp/{from}.dump"
    )
}

/// Some installations have the server's programs in one place and its clients' in another.
fn command(programs: &Binaries, name: &str) -> Command {
    let words = match programs.directory.join(name).is_file() {
        true => programs.command_line(name),
        false => vec![name.into()],
    };
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    command
}
