//! The version before this one: a commit of this repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use super::told_apart;
use crate::workspace::Workspace;

/// Names the commit.
const FILE: &str = "tests/upgrade/PREVIOUS";
/// The broker that tests start.
const BINARY: &str = "token_broker_under_test";

/// The commit of the version before.
pub(crate) struct Previous {
    id: String,
}

impl Previous {
    /// The commit that [`FILE`] names, if this clone has it.
    pub(crate) fn find(workspace: &Workspace) -> Result<Self> {
        let text =
            fs::read_to_string(workspace.root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
        let previous = Self { id: commit(&text)?.to_owned() };
        ensure!(
            previous.is_here(workspace),
            "this clone does not have {}, which {FILE} names as the version before: get the history with \
             `git fetch --unshallow`, or check out with all of it",
            previous.id
        );
        Ok(previous)
    }

    fn is_here(&self, workspace: &Workspace) -> bool {
        let mut git = git(workspace, &["cat-file", "-e", &format!("{}^{{commit}}", self.id)]);
        git.stderr(Stdio::null()).status().is_ok_and(|status| status.success())
    }

    /// Migrations of that version that are not any more what they were.
    pub(crate) fn changed_migrations(&self, workspace: &Workspace) -> Result<Vec<String>> {
        self.migrations("MDT", "migrations/*.sql", workspace)
    }

    /// Migrations of the Postgres store that came since.
    pub(crate) fn new_postgres_migrations(&self, workspace: &Workspace) -> Result<Vec<String>> {
        self.migrations("A", "migrations/postgres/*.sql", workspace)
    }

    fn migrations(&self, kind: &str, of: &str, workspace: &Workspace) -> Result<Vec<String>> {
        let filter = format!("--diff-filter={kind}");
        let mut git = git(workspace, &["diff", "--no-renames", "--name-only", &filter, &self.id, "--", of]);
        let output = git.stderr(Stdio::inherit()).output().context("cannot start git")?;
        ensure!(output.status.success(), "git cannot compare with {}", self.id);
        Ok(String::from_utf8(output.stdout)?.lines().map(str::to_owned).collect())
    }

    /// Builds its broker, unless that is there already. What it depends on is shared with this version.
    pub(crate) fn build(&self, workspace: &Workspace) -> Result<PathBuf> {
        let place = workspace.target_dir().join("upgrade").join(&self.id);
        let binary = place.join("token-broker");
        if !binary.is_file() {
            let source = place.join("source");
            self.unpack(workspace, &source)?;
            told_apart::tell_apart(&source)?;
            compile(workspace, &source)?;
            // Under its last name only once it is whole.
            let copied = place.join("token-broker.part");
            fs::copy(workspace.target_dir().join("debug").join(BINARY), &copied)?;
            fs::rename(&copied, &binary)?;
        }
        Ok(binary)
    }

    /// Files without a repository around them: nothing of git's is left behind.
    fn unpack(&self, workspace: &Workspace, source: &Path) -> Result<()> {
        if source.exists() {
            fs::remove_dir_all(source)?;
        }
        fs::create_dir_all(source)?;
        let mut archive =
            git(workspace, &["archive", "--format=tar", &self.id]).stdout(Stdio::piped()).spawn()?;
        let packed = archive.stdout.take().context("git has no output")?;
        let unpacked = Command::new("tar").args(["-x", "-C"]).arg(source).stdin(packed).status();
        let archived = archive.wait()?;
        let unpacked = unpacked.context("cannot start tar")?;
        ensure!(archived.success() && unpacked.success(), "cannot unpack the version before");
        Ok(())
    }
}

/// In debug mode and with the features of the tests, for which everything from registries is built already.
fn compile(workspace: &Workspace, source: &Path) -> Result<()> {
    let mut cargo = workspace.command("cargo");
    cargo.current_dir(source).env("CARGO_TARGET_DIR", workspace.target_dir());
    cargo.args(["build", "--locked", "--package", "broker-e2e", "--bin", BINARY]);
    let status = cargo.status().context("cannot start cargo")?;
    ensure!(status.success(), "cannot build the version before: see the compiler's messages above");
    Ok(())
}

fn git(workspace: &Workspace, words: &[&str]) -> Command {
    let mut git = workspace.command("git");
    git.args(words);
    git
}

/// The one line that is no comment: a whole commit id, which can mean nothing else.
fn commit(text: &str) -> Result<&str> {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (lines.next(), lines.next()) {
        (Some(id), None) if id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit()) => Ok(id),
        _ => bail!("{FILE} must name one commit, by all of its id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whole_id_is_a_commit() {
        let id = "0123456789abcdef0123456789abcdef01234567";
        assert_eq!(commit(&format!("# the version before\n\n{id}\n")).unwrap(), id);
        for text in ["", "0123456", &format!("{id}\n{id}\n"), "main"] {
            assert!(commit(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_clone_without_the_commit_says_what_to_do() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join(FILE);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "0123456789abcdef0123456789abcdef01234567\n").unwrap();
        let workspace = Workspace::at(directory.path().to_owned());
        let error = Previous::find(&workspace).err().unwrap().to_string();
        assert!(error.contains("git fetch --unshallow"), "{error}");
    }
}
