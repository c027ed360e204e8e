//! Which commit the contract is compared with: where this branch left main, never the commit being checked.

use std::env;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail};

use crate::workspace::Workspace;

/// Names a commit to compare with instead of the one found; CI may set it to what main was before a push.
const OVERRIDE: &str = "BREAKING_AGAINST";

/// Where main may be known, best first.
const MAINS: [&str; 3] = ["refs/remotes/origin/main", "refs/remotes/origin/HEAD", "refs/heads/main"];

/// What the contract is compared with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// A commit that has a contract, and the repository to read it from.
    Commit { id: String, git_dir: String },
    /// There is no earlier contract.
    Nothing { because: String },
}

/// The commit this checkout's contract must stay compatible with.
pub(crate) fn find(workspace: &Workspace) -> Result<Base> {
    let chosen = env::var(OVERRIDE).ok().filter(|value| !value.is_empty());
    Repository { workspace }.base(chosen.as_deref())
}

const SHALLOW: &str = "this clone is shallow and lacks the commit to compare with; \
    run `git fetch --unshallow origin`, or name a commit that is here in BREAKING_AGAINST";

struct Repository<'a> {
    workspace: &'a Workspace,
}

impl Repository<'_> {
    fn base(&self, chosen: Option<&str>) -> Result<Base> {
        match chosen {
            Some(name) => {
                let id =
                    self.commit(name)?.with_context(|| format!("{OVERRIDE}={name} is not a commit here"))?;
                self.with_contract(id)
            }
            None => match self.commit("HEAD")? {
                Some(head) => self.before(&head),
                None => Ok(Base::Nothing { because: "there is no commit yet".to_owned() }),
            },
        }
    }

    fn before(&self, head: &str) -> Result<Base> {
        match self.fork_point()?.filter(|id| id != head) {
            Some(id) => self.with_contract(id),
            None => match self.commit("HEAD^1")? {
                Some(parent) => self.with_contract(parent),
                None if self.is_shallow()? => bail!(SHALLOW),
                None => Ok(Base::Nothing { because: "this is the first commit".to_owned() }),
            },
        }
    }

    /// Where HEAD left main, if main is known here.
    fn fork_point(&self) -> Result<Option<String>> {
        for name in MAINS {
            if let Some(main) = self.commit(name)? {
                return self.merge_base(name, &main);
            }
        }
        Ok(None)
    }

    fn merge_base(&self, name: &str, main: &str) -> Result<Option<String>> {
        match self.ask(&["merge-base", "HEAD", main])? {
            Some(id) => Ok(Some(id)),
            None if self.is_shallow()? => bail!(SHALLOW),
            None => bail!("HEAD and {name} have no common commit; name one to compare with in {OVERRIDE}"),
        }
    }

    fn with_contract(&self, id: String) -> Result<Base> {
        let files = self.ask(&["ls-tree", "-r", "--name-only", &id, "--", "proto"])?.unwrap_or_default();
        if !files.lines().any(|file| file.ends_with(".proto")) {
            return Ok(Base::Nothing { because: format!("{} has no proto/", short(&id)) });
        }
        // A linked worktree has a `.git` file; buf wants the directory it points to.
        let git_dir = self
            .ask(&["rev-parse", "--git-common-dir"])?
            .context("git does not say where it keeps its data")?;
        Ok(Base::Commit { id, git_dir })
    }

    fn commit(&self, name: &str) -> Result<Option<String>> {
        self.ask(&["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")])
    }

    fn is_shallow(&self) -> Result<bool> {
        Ok(self.ask(&["rev-parse", "--is-shallow-repository"])?.is_some_and(|answer| answer == "true"))
    }

    /// What git answers, or `None` where it silently says no. Anything it complains about is an error.
    fn ask(&self, args: &[&str]) -> Result<Option<String>> {
        let Output { status, stdout, stderr } =
            self.git().args(args).output().context("cannot start git; install it")?;
        let complaint = String::from_utf8_lossy(&stderr);
        match status.success() {
            true => Ok(Some(String::from_utf8_lossy(&stdout).trim().to_owned())),
            false if complaint.trim().is_empty() => Ok(None),
            false => bail!("git {}: {}", args.join(" "), complaint.trim()),
        }
    }

    fn git(&self) -> Command {
        let mut git = self.workspace.command("git");
        // A git hook sets these, and they would beat the directory we ask about.
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
            git.env_remove(variable);
        }
        git
    }
}

fn short(id: &str) -> &str {
    id.get(..12).unwrap_or(id)
}

#[cfg(test)]
mod tests;
