//! A broker as a process of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitStatus;

use rustix::process::Signal;
use tokio::process::Command;

use crate::Program;

/// A broker that serves in a child process.
pub struct BrokerProcess {
    program: Program,
    /// Where it serves gRPC.
    pub grpc: SocketAddr,
    /// Where it serves HTTP.
    pub http: SocketAddr,
}

impl BrokerProcess {
    /// Runs `serve`, and waits until it tells its addresses. Its log is added to that file.
    pub async fn serve(binary: &Path, config: &Path, log: &Path) -> Self {
        Self::serve_as("all", binary, config, log).await
    }

    /// The same, with that word after `--role`.
    pub async fn serve_as(role: &str, binary: &Path, config: &Path, log: &Path) -> Self {
        let mut command = Command::new(binary);
        command.args(["serve", "--role", role]).arg("--config").arg(config);
        Self::started(Program::start(command, log)).await
    }

    /// Waits for the addresses of a program that serves.
    pub async fn started(mut program: Program) -> Self {
        let line = program.line_with("").await;
        let addresses: serde_json::Value = serde_json::from_str(&line).unwrap();
        let address = |name: &str| addresses[name].as_str().unwrap().parse().unwrap();
        Self { grpc: address("grpc"), http: address("http"), program }
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.program.pid()
    }

    /// SIGKILL: no last words.
    pub async fn kill(self) {
        self.program.signal(Signal::KILL);
        self.program.ended().await;
    }

    /// Waits for the end.
    pub async fn ended(self) -> ExitStatus {
        self.program.ended().await
    }

    /// Sends a signal and waits for the end.
    pub async fn end(self, signal: Signal) -> ExitStatus {
        self.program.signal(signal);
        self.program.ended().await
    }
}
