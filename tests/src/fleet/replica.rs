//! One replica: in this process, or in one of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use broker_server::{Running, Surroundings, config};
use rustix::process::Signal;

use super::PAUSE;
use crate::{BrokerProcess, Client, LONGEST_WAIT, port};

/// Where a replica keeps its own things.
pub struct Home {
    /// Its configuration file.
    pub config: PathBuf,
    role: &'static str,
    log: PathBuf,
}

/// A replica that serves.
pub struct Replica {
    /// A client of it.
    pub client: Client,
    body: Body,
}

enum Body {
    Here(Box<Running>),
    Child(Box<BrokerProcess>),
}

impl Home {
    pub(super) fn of(role: &'static str, config: PathBuf) -> Self {
        let log = config.with_file_name("broker.log");
        Self { config, role, log }
    }

    /// Its replica serves gRPC there from the next start on.
    pub(super) fn stay_at(&self, address: SocketAddr) -> SocketAddr {
        let written = fs::read_to_string(&self.config).unwrap();
        let stays = written.replacen("grpc = \"127.0.0.1:0\"", &format!("grpc = \"{address}\""), 1);
        assert_ne!(stays, written, "it stays already");
        fs::write(&self.config, stays).unwrap();
        address
    }

    pub(super) fn rotates(&self) -> bool {
        self.role != "api"
    }

    /// What a replica that was a child process has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has logged this.
    pub async fn until_logged(&self, text: &str) {
        let reading = async {
            while !self.log().contains(text) {
                tokio::time::sleep(PAUSE).await;
            }
        };
        let logged = tokio::time::timeout(LONGEST_WAIT, reading).await;
        logged.unwrap_or_else(|_| panic!("no `{text}` in\n{}", self.log()));
    }
}

impl Replica {
    /// Starts one: the program `binary`, or in this process where there is none.
    pub async fn start(binary: Option<&Path>, home: &Home) -> Self {
        port::until_free(&home.config).await;
        let body = match binary {
            Some(binary) => Body::Child(Box::new(
                BrokerProcess::serve_as(home.role, binary, &home.config, &home.log).await,
            )),
            None => {
                let config = config::load(Some(&home.config)).unwrap();
                let running = broker_server::start(&config, Surroundings::of_this_machine()).await.unwrap();
                Body::Here(Box::new(running))
            }
        };
        Self { client: Client::connect(body.grpc()).await, body }
    }

    /// Its process id, if it is a child process.
    pub fn pid(&self) -> u32 {
        match &self.body {
            Body::Child(process) => process.pid(),
            Body::Here(_) => panic!("no child process"),
        }
    }

    /// Where it serves gRPC.
    pub fn grpc(&self) -> SocketAddr {
        self.body.grpc()
    }

    /// Where it serves HTTP.
    pub fn http(&self) -> SocketAddr {
        match &self.body {
            Body::Here(running) => running.http,
            Body::Child(process) => process.http,
        }
    }

    /// SIGKILL to one that is a child process.
    pub async fn kill(self) {
        match self.body {
            Body::Child(process) => process.kill().await,
            Body::Here(_) => panic!("no child process to kill"),
        }
    }

    /// SIGTERM to one that is a child process. Answers how it ended.
    pub async fn terminate(self) -> ExitStatus {
        match self.body {
            Body::Child(process) => process.end(Signal::TERM).await,
            Body::Here(_) => panic!("no child process to end"),
        }
    }

    /// Lets it stop as it likes to.
    pub async fn stop(self) {
        match self.body {
            Body::Here(running) => running.shutdown().await,
            Body::Child(process) => {
                let status = process.end(Signal::TERM).await;
                assert!(status.success(), "{status}");
            }
        }
    }
}

impl Body {
    fn grpc(&self) -> SocketAddr {
        match self {
            Self::Here(running) => running.grpc,
            Self::Child(process) => process.grpc,
        }
    }
}
