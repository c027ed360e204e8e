//! A server as a program on this machine.

mod account;
mod family;
mod keeper;
mod log;
mod quoting;
mod workspace;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

pub(crate) use account::Account;
use keeper::Keeper;
use log::{Line, Log};
use quoting::quoted;
pub(crate) use workspace::Workspace;

/// Longer than a start or a stop takes on a busy machine, shorter than anybody's patience.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How a server shows and takes what happens to it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Manners {
    /// A part of the line it logs when it can be used.
    pub(crate) ready: &'static str,
    /// The signal that ends it at once, with the processes it started.
    pub(crate) end: &'static str,
}

/// A server that can be started and hurt many times. Dropping it ends it and removes its directory; so does the end
/// of this process, whatever its cause.
pub(crate) struct ServerProcess {
    keeper: Keeper,
    log: PathBuf,
    manners: Manners,
    command_line: String,
    running: Option<(Pid, Log)>,
}

impl ServerProcess {
    /// A server that lives in `workspace` and does not run yet.
    pub(crate) fn new(workspace: Workspace, manners: Manners, command_line: &[OsString]) -> Result<Self> {
        let log = workspace.log();
        let keeper = Keeper::start(workspace, manners.end).context("cannot start /bin/sh")?;
        Ok(Self { keeper, log, manners, command_line: quoted(command_line)?, running: None })
    }

    /// Runs a program that prepares the server, to its end.
    pub(crate) fn prepare(&mut self, command_line: &[OsString]) -> Result<()> {
        let log = Log::open(&self.log);
        let status = self.keeper.ask(&format!("run {}", quoted(command_line)?))?;
        // Always read to its end: the next program's log goes the same way.
        let said = log.rest(LONGEST_WAIT);
        ensure!(status == "0", "cannot prepare the server's directory:\n{said}");
        Ok(())
    }

    /// Starts the server and waits until it can be used.
    pub(crate) fn start(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "the server runs already");
        let mut log = Log::open(&self.log);
        let pid = self.keeper.ask(&format!("start {}", self.command_line))?;
        let pid = pid.parse().ok().and_then(Pid::from_raw).context("the keeper told no process id")?;
        let outcome = log.wait_for(self.manners.ready, LONGEST_WAIT);
        match outcome {
            Line::Seen => {
                self.running = Some((pid, log));
                Ok(())
            }
            Line::Ended => {
                self.keeper.ask("reap")?;
                bail!("the server ended at once:\n{}", log.seen())
            }
            Line::TimedOut => bail!("the server was not ready after {LONGEST_WAIT:?}:\n{}", log.seen()),
        }
    }

    /// SIGKILL for the server and every process it started: no last words.
    pub(crate) fn kill(&mut self) -> Result<()> {
        let Some((pid, _)) = &self.running else { return Ok(()) };
        // Stopped first, so that it starts no process which is then missed.
        for one in family::stop(*pid)? {
            signal(one, Signal::KILL)?;
        }
        self.ended()
    }

    /// Sends the server one signal that ends it.
    pub(crate) fn end_by(&mut self, end: Signal) -> Result<()> {
        let Some((pid, _)) = &self.running else { return Ok(()) };
        signal(*pid, end)?;
        self.ended()
    }

    /// SIGSTOP for the server and every process it started: it holds its connections and answers nothing.
    pub(crate) fn pause(&mut self) -> Result<()> {
        let Some((pid, _)) = &self.running else { bail!("the server does not run") };
        let stopped: Vec<_> = family::stop(*pid)?.iter().map(ToString::to_string).collect();
        self.keeper.tell(&format!("others {}", stopped.join(" ")))
    }

    /// SIGCONT for all of them.
    pub(crate) fn resume(&mut self) -> Result<()> {
        let Some((pid, _)) = &self.running else { bail!("the server does not run") };
        family::resume(*pid)?;
        self.keeper.tell("others")
    }

    /// Waits until no process of the server is left.
    fn ended(&mut self) -> Result<()> {
        if let Some((_, mut log)) = self.running.take() {
            // Every process of the server holds the log open: it ends with the last one.
            ensure!(log.wait_for_end(LONGEST_WAIT), "the server did not end within {LONGEST_WAIT:?}");
            self.keeper.ask("reap")?;
        }
        Ok(())
    }
}

/// Sends a signal. That the process is gone already is no error.
fn signal(pid: Pid, signal: Signal) -> Result<()> {
    match kill_process(pid, signal) {
        Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
        Err(error) => Err(error).context("cannot signal the server"),
    }
}

#[cfg(test)]
mod tests;
