//! The binary under test, a place for it to live, and its clients.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use broker_proto::v1::CreateTenantRequest;
use broker_proto::v1::admin_service_client::AdminServiceClient;
use broker_proto::v1::consent_service_client::ConsentServiceClient;
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tonic::transport::Channel;

/// Longer than anything takes on a busy machine.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// A command line that has not been run.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_token-broker"));
    command.args(arguments).env("RUST_BACKTRACE", "1").stdin(Stdio::null()).kill_on_drop(true);
    command
}

/// What a command that must fail says. It never shows where in the code that was.
pub(crate) async fn failure(arguments: &[&str]) -> String {
    let Output { status, stdout, stderr } =
        tokio::time::timeout(LONGEST_WAIT, command(arguments).output()).await.unwrap().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!((status.code(), stdout.as_slice()), (Some(1), b"".as_slice()), "{arguments:?}: {said}");
    assert!(!said.contains("backtrace") && !said.contains(".rs:"), "{said}");
    said
}

/// A directory with a key and a configuration.
pub(crate) struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    pub(crate) async fn new() -> Self {
        let home = Self { directory: tempfile::tempdir().unwrap() };
        home.make_key().await;
        home.configure("");
        home
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A fresh key in place of the one there is.
    pub(crate) async fn make_key(&self) {
        let _ = fs::remove_file(self.at("kek"));
        let kek = self.at("kek");
        let made = command(&["keys", "generate", "--out", text(&kek)]).status().await.unwrap();
        assert!(made.success());
    }

    /// Writes the configuration, with `more` at its end.
    pub(crate) fn configure(&self, more: &str) {
        let at = self.directory.path().display();
        let file = format!(
            "[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n[store]\nurl = \"sqlite://{at}/broker.db\"\n\
             [keys]\nkek_file = \"{at}/kek\"\n[escrow]\ndir = \"{at}/escrow\"\n{more}"
        );
        fs::write(self.at("broker.toml"), file).unwrap();
    }

    pub(crate) fn serve(&self) -> Process {
        Process::start(command(&["serve", "--config", text(&self.at("broker.toml"))]))
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// A running command.
pub(crate) struct Process {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    stderr: Lines<BufReader<ChildStderr>>,
}

impl Process {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = BufReader::new(child.stderr.take().unwrap()).lines();
        Self { child, stdout, stderr }
    }

    /// The next line of stdout.
    pub(crate) async fn line(&mut self) -> String {
        let line = tokio::time::timeout(LONGEST_WAIT, self.stdout.next_line()).await.unwrap().unwrap();
        line.unwrap_or_default()
    }

    /// Waits for a line of the log with these words in it.
    pub(crate) async fn logged(&mut self, words: &str) -> String {
        let reading = async {
            while let Some(line) = self.stderr.next_line().await.unwrap() {
                if line.contains(words) {
                    return line;
                }
            }
            String::new()
        };
        let line = tokio::time::timeout(LONGEST_WAIT, reading).await.unwrap_or_default();
        assert!(!line.is_empty(), "`{words}` was not logged");
        line
    }

    pub(crate) fn signal(&self) {
        let pid = Pid::from_raw(i32::try_from(self.child.id().unwrap()).unwrap()).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
    }

    /// Waits for its end. Answers the exit code and what else was logged.
    pub(crate) async fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        let ending = async {
            self.stderr.get_mut().read_to_string(&mut log).await.unwrap();
            self.child.wait().await.unwrap()
        };
        let status = tokio::time::timeout(LONGEST_WAIT, ending).await.unwrap();
        (status.code(), log)
    }
}

/// Clients of a broker, with the tenant `acme` made.
pub(crate) struct Clients {
    pub(crate) admin: AdminServiceClient<Channel>,
    pub(crate) consent: ConsentServiceClient<Channel>,
}

impl Clients {
    pub(crate) async fn of(process: &mut Process) -> Self {
        let addresses: serde_json::Value = serde_json::from_str(&process.line().await).unwrap();
        let endpoint = format!("http://{}", addresses["grpc"].as_str().unwrap());
        let channel = Channel::from_shared(endpoint).unwrap().connect().await.unwrap();
        let mut admin = AdminServiceClient::new(channel.clone());
        let acme = CreateTenantRequest { tenant_id: "acme".into(), ..Default::default() };
        admin.create_tenant(acme).await.unwrap();
        Self { admin, consent: ConsentServiceClient::new(channel) }
    }
}
