//! The process that ends a server when this process ends, even by SIGKILL: a shell that reads a pipe we hold.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, ensure};

use super::{Account, Workspace};

const SCRIPT: &str = include_str!("keeper.sh");

/// Keeps one server and its directory.
pub(super) struct Keeper {
    shell: Child,
    /// `None` once it was told to end.
    orders: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Keeper {
    /// Starts the shell as the user of the workspace.
    pub(super) fn start(workspace: Workspace, end: &str) -> Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", SCRIPT, "test-server-keeper"]).arg(&workspace.directory).arg(end);
        // A group of its own: an interrupt from the keyboard must not reach the server before its tests are done.
        command.current_dir(&workspace.directory).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(Account { uid, gid }) = workspace.account() {
            command.uid(uid).gid(gid);
        }
        Self::of(command.spawn()?)
    }

    fn of(mut shell: Child) -> Result<Self> {
        let orders = shell.stdin.take();
        let answers = shell.stdout.take().context("the keeper has no output")?;
        let mut keeper = Self { shell, orders, answers: BufReader::new(answers) };
        keeper.answer()?;
        Ok(keeper)
    }

    /// Gives an order that is not answered.
    pub(super) fn tell(&mut self, order: &str) -> Result<()> {
        let orders = self.orders.as_mut().context("the keeper has ended")?;
        writeln!(orders, "{order}").context("the keeper takes no orders")
    }

    /// Gives an order and waits for its answer.
    pub(super) fn ask(&mut self, order: &str) -> Result<String> {
        self.tell(order)?;
        self.answer()
    }

    fn answer(&mut self) -> Result<String> {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).context("the keeper does not answer")?;
        ensure!(!answer.is_empty(), "the keeper has ended");
        Ok(answer.trim().to_owned())
    }

    fn end(&mut self) -> io::Result<()> {
        drop(self.orders.take());
        self.shell.wait().map(drop)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        if let Err(error) = self.end() {
            eprintln!("cannot wait for the end of a test server: {error}");
        }
    }
}
