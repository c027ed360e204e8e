//! A Redis server of a test's own, on a free port, without persistence.

use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Ends with the test.
pub(crate) struct RedisServer {
    port: u16,
    arguments: Vec<String>,
    directory: TempDir,
    process: Option<Child>,
}

impl RedisServer {
    pub(crate) async fn start() -> Self {
        Self::start_with(|port| vec!["--port".to_owned(), port.to_string()]).await
    }

    /// With arguments made for the port it is to listen on.
    pub(crate) async fn start_with(arguments: impl Fn(u16) -> Vec<String>) -> Self {
        let port = Self::free_port();
        let directory = tempfile::tempdir().unwrap();
        let mut server = Self { port, arguments: arguments(port), directory, process: None };
        server.restart().await;
        server
    }

    /// A port where nobody listens at present.
    pub(crate) fn free_port() -> u16 {
        TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
    }

    /// A server that is not started yet.
    pub(crate) fn not_started() -> Self {
        let port = Self::free_port();
        let arguments = vec!["--port".to_owned(), port.to_string()];
        Self { port, arguments, directory: tempfile::tempdir().unwrap(), process: None }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// SIGKILL.
    pub(crate) async fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().await.unwrap();
        }
    }

    /// SIGSTOP: connections stay open and nobody answers.
    pub(crate) async fn pause(&self) {
        self.signal("-STOP").await;
    }

    /// SIGCONT.
    pub(crate) async fn resume(&self) {
        self.signal("-CONT").await;
    }

    /// Kills it if it runs, and starts it anew on the same port, empty.
    pub(crate) async fn restart(&mut self) {
        self.kill().await;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]).args(&self.arguments);
        command.current_dir(self.directory.path()).stdout(Stdio::null()).kill_on_drop(true);
        let process = command.spawn().expect("redis-server runs: install Redis 7 or later");
        self.process = Some(process);
        self.listening().await;
    }

    async fn signal(&self, signal: &str) {
        let pid = self.process.as_ref().and_then(Child::id).expect("the server runs");
        let sent = Command::new("kill").args([signal, &pid.to_string()]).status().await.unwrap();
        assert!(sent.success());
    }

    async fn listening(&mut self) {
        while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().unwrap());
            assert!(ended.is_none(), "redis-server ended at once: {ended:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
