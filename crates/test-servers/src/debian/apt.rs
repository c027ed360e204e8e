//! `apt-get`, used as anybody may use it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context as _, Result, ensure};

/// `apt-get` with a directory of its own for what it downloads.
pub(super) struct Apt {
    directory: PathBuf,
}

impl Apt {
    pub(super) fn new(directory: PathBuf) -> Result<Self> {
        for part in ["lists/partial", "cache/archives/partial", "packages"] {
            fs::create_dir_all(directory.join(part))?;
        }
        Ok(Self { directory })
    }

    /// What an installation of the package would say. Uses the system's lists of packages, or fetches its own where
    /// the system has none.
    pub(super) fn simulate(&self, package: &str) -> Result<String> {
        let words = ["install", "--simulate", "--no-install-recommends", package];
        self.run(&words).or_else(|_| {
            self.own_lists()?;
            self.run(&words)
        })
    }

    /// Downloads packages, each named `NAME=VERSION`; answers the files.
    pub(super) fn download(&self, packages: &[String]) -> Result<Vec<PathBuf>> {
        let mut words = vec!["download"];
        words.extend(packages.iter().map(String::as_str));
        self.run(&words)?;
        let files = fs::read_dir(self.directory.join("packages"))?;
        Ok(files.map(|file| file.map(|file| file.path())).collect::<Result<_, _>>()?)
    }

    /// Removes what was downloaded.
    pub(super) fn clean(self) -> Result<()> {
        fs::remove_dir_all(&self.directory).context("cannot remove the downloaded packages")
    }

    /// Fetches lists of packages; their presence makes `run` use them.
    fn own_lists(&self) -> Result<()> {
        fs::write(self.directory.join("own-lists"), "")?;
        self.run(&["update"]).map(drop)
    }

    fn run(&self, words: &[&str]) -> Result<String> {
        let mut command = Command::new("apt-get");
        command.args(["--quiet", "--yes", "-o", "APT::Sandbox::User=root"]).env("LC_ALL", "C");
        for (option, part) in [("Dir::Cache", "cache"), ("Dir::State::Lists", "lists")] {
            if part == "cache" || self.directory.join("own-lists").exists() {
                command.arg("-o").arg(format!("{option}={}", self.directory.join(part).display()));
            }
        }
        command.args(words).current_dir(self.directory.join("packages"));
        let Output { status, stdout, stderr } =
            command.output().context("cannot start apt-get, which Debian and Ubuntu have")?;
        let complaint = String::from_utf8_lossy(&stderr);
        ensure!(status.success(), "apt-get {}: {}", words.join(" "), complaint.trim());
        Ok(String::from_utf8_lossy(&stdout).into_owned())
    }
}
