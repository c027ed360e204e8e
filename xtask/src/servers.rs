//! The Postgres and the Redis that all tests of one run share.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, ChildStdin, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;

/// How many servers there are. For each the holder prints a line `VARIABLE=URL` and a line `# version and origin`.
const SERVERS: usize = 2;

/// Both servers, held by a program until this is dropped.
pub(crate) struct Servers {
    holder: Child,
    /// Its end tells the holder to end.
    held: Option<ChildStdin>,
    lines: Vec<String>,
}

impl Servers {
    /// Builds the holder, starts it, and says which servers it found.
    pub(crate) fn start(workspace: &Workspace) -> Result<Self> {
        // For the whole workspace, because its tests need the same crates with the same features.
        let build = ["build", "--workspace", "--locked", "--bin", "test-servers"];
        let built = workspace.command("cargo").args(build).status().context("cannot start cargo")?;
        ensure!(built.success(), "cannot build test-servers: see the compiler's messages above");
        let holder = workspace.target_dir().join("debug/test-servers");
        let mut command = workspace.command(&holder.to_string_lossy());
        let servers = Self::held_by(command.arg("hold"), SERVERS)?;
        eprintln!("test servers: {}", servers.described());
        Ok(servers)
    }

    /// A Postgres of its own whose commits wait for the disk. Builds no more than the holder.
    pub(crate) fn durable_postgres(workspace: &Workspace) -> Result<Self> {
        Self::held_by(Self::holder(workspace)?.arg("durable"), 1)
    }

    /// A database made by the SQL files of `folder`, and the server it is on. Builds no more than the holder.
    pub(crate) fn with_database(workspace: &Workspace, folder: &str) -> Result<Self> {
        Self::held_by(Self::holder(workspace)?.args(["database", folder]), 1)
    }

    fn holder(workspace: &Workspace) -> Result<Command> {
        let build = ["build", "--locked", "--package", "test-servers", "--bin", "test-servers"];
        let built = workspace.command("cargo").args(build).status().context("cannot start cargo")?;
        ensure!(built.success(), "cannot build test-servers: see the compiler's messages above");
        Ok(workspace.command(&workspace.target_dir().join("debug/test-servers").to_string_lossy()))
    }

    /// The holder says where `count` servers are.
    fn held_by(command: &mut Command, count: usize) -> Result<Self> {
        let mut holder = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().to_string_lossy()))?;
        let held = holder.stdin.take();
        let output = holder.stdout.take().context("the holder has no output")?;
        let lines = BufReader::new(output).lines().take(2 * count).collect::<Result<Vec<_>, _>>()?;
        let servers = Self { holder, held, lines };
        ensure!(servers.lines.len() == 2 * count, "there are no servers for the tests: see above what to do");
        Ok(servers)
    }

    /// What tells the tests where the servers are.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().filter_map(|line| line.split_once('='))
    }

    /// Versions and origins.
    pub(crate) fn described(&self) -> String {
        let descriptions: Vec<_> = self.lines.iter().filter_map(|line| line.strip_prefix("# ")).collect();
        descriptions.join(", ")
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        drop(self.held.take());
        if let Err(error) = self.holder.wait() {
            eprintln!("cannot wait for the end of the test servers: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held_by(script: &str) -> Result<Servers> {
        Servers::held_by(Command::new("/bin/sh").args(["-c", script]), SERVERS)
    }

    #[test]
    fn urls_and_descriptions_are_told_apart() {
        let servers = held_by(
            "echo 'A=postgres://x?y=z'; echo '# Postgres 17.2'; echo B=redis://; echo '# Redis 8.0'; read _",
        )
        .unwrap();
        assert_eq!(servers.variables().collect::<Vec<_>>(), [("A", "postgres://x?y=z"), ("B", "redis://")]);
        assert_eq!(servers.described(), "Postgres 17.2, Redis 8.0");
    }

    #[test]
    fn a_holder_without_servers_is_an_error() {
        let error = held_by("echo A=postgres://x; exit 1").err().unwrap().to_string();
        assert!(error.contains("see above what to do"), "{error}");
    }

    #[test]
    fn dropping_them_tells_the_holder_to_end() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("ended");
        let script = format!("printf 'A=1\\n# a\\nB=2\\n# b\\n'; read _; echo bye > {}", file.display());
        drop(held_by(&script).unwrap());
        assert_eq!(std::fs::read_to_string(file).unwrap(), "bye\n");
    }
}
