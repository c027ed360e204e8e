//! A server under measurement: a child process on the servers' core.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::{fs, io, thread};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use super::Cores;

/// A running server. Dropping it kills it.
pub struct Server {
    child: Child,
    grpc: SocketAddr,
    log: PathBuf,
}

/// The first line a server prints.
#[derive(Deserialize)]
struct Ready {
    grpc: SocketAddr,
}

impl Server {
    /// Starts `command` and waits until it says where it listens. What it logs goes to `log`.
    pub fn start(command: &mut Command, log: &Path, cores: &Cores) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(log)?);
        let name = PathBuf::from(command.get_program());
        let mut child =
            cores.spawn_server(command).with_context(|| format!("cannot start {}", name.display()))?;
        match ready(&mut child) {
            Ok(Ready { grpc }) => Ok(Self { child, grpc, log: log.to_owned() }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                bail!("{} did not say where it listens: {error:#}{}", name.display(), tail(log))
            }
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.grpc
    }

    /// The end of its log, to stand below an error.
    pub fn last_words(&self) -> String {
        tail(&self.log)
    }

    /// The id of its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end, and waits until it has ended well.
    pub fn stop(mut self) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid())?).context("no process has the id 0")?;
        kill_process(pid, Signal::TERM)?;
        let status = self.child.wait()?;
        ensure!(status.success(), "a server ended with {status}{}", self.last_words());
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its data is temporary, and a server that has ended already is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ready(child: &mut Child) -> Result<Ready> {
    let mut output = BufReader::new(child.stdout.take().context("its output is not ours")?);
    let mut line = String::new();
    output.read_line(&mut line)?;
    thread::spawn(move || drain(output));
    serde_json::from_str(&line).with_context(|| format!("its first line is {line:?}"))
}

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(10)..].iter().map(|line| format!("\n  {line}")).collect()
}

/// A server must never wait for a reader.
fn drain(mut output: impl Read) -> io::Result<u64> {
    io::copy(&mut output, &mut io::sink())
}
