//! The checkout: where it is, and how commands are started in it.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// Where `.ci/install-tools` puts what it installs, relative to the root.
const TOOLS_BIN: &str = "target/tools/bin";

/// The root of the checkout this command was started in.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace `cargo xtask` runs in, or the current directory when started by hand.
    pub(crate) fn find() -> Result<Self> {
        let root = match env::var_os("CARGO_MANIFEST_DIR") {
            Some(xtask) => PathBuf::from(xtask).join(".."),
            None => env::current_dir().context("cannot read the current directory")?,
        };
        let root = root.canonicalize().with_context(|| format!("cannot open {}", root.display()))?;
        ensure!(
            root.join("xtask").is_dir(),
            "{} is not the workspace's root: use `cargo xtask`",
            root.display()
        );
        Ok(Self { root })
    }

    /// The checkout in this directory.
    #[cfg(test)]
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_dir(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.root.join("target"), |dir| self.root.join(dir))
    }

    /// `program` started at the root, with the project's own tools first on its PATH.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root).env("PATH", self.path());
        for variable in env::vars_os().map(|(name, _)| name).filter(is_from_cargo_run) {
            command.env_remove(variable);
        }
        command
    }

    /// Whether `program` can be started at all.
    pub(crate) fn has(&self, program: &str) -> bool {
        let probe =
            self.command(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        probe.is_ok_and(|status| status.success())
    }

    fn path(&self) -> OsString {
        let inherited = env::var_os("PATH").unwrap_or_default();
        let directories = [self.root.join(TOOLS_BIN)].into_iter().chain(env::split_paths(&inherited));
        env::join_paths(directories).unwrap_or(inherited)
    }
}

/// `cargo run` describes this package in the environment of what it runs. A cargo started from here must not
/// inherit that: build scripts that watch those variables would run again each time.
fn is_from_cargo_run(variable: &OsString) -> bool {
    let name = variable.to_string_lossy();
    name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "CARGO"
}
