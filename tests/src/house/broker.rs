//! The broker of a house: in this process, or in one of its own.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use broker_server::{Running, Surroundings, config};
use rustix::process::Signal;

use crate::{BrokerProcess, Client, HandClock, port};

pub(super) enum Broker {
    Here(Box<Running>),
    Child(Box<BrokerProcess>),
    Gone,
}

impl Broker {
    /// Starts one: the program `binary`, or in this process where there is none.
    pub(super) async fn start(
        binary: Option<&Path>,
        config: &Path,
        log: &Path,
        clock: &Arc<HandClock>,
    ) -> (Self, Client) {
        port::until_free(config).await;
        let broker = match binary {
            Some(binary) => Self::Child(Box::new(BrokerProcess::serve(binary, config, log).await)),
            None => {
                let config = config::load(Some(config)).unwrap();
                let around = Surroundings { clock: clock.clone(), ..Surroundings::of_this_machine() };
                Self::Here(Box::new(broker_server::start(&config, around).await.unwrap()))
            }
        };
        let client = Client::connect(broker.addresses().0).await;
        (broker, client)
    }

    /// Where it serves gRPC and HTTP.
    pub(super) fn addresses(&self) -> (SocketAddr, SocketAddr) {
        match self {
            Self::Here(running) => (running.grpc, running.http),
            Self::Child(process) => (process.grpc, process.http),
            Self::Gone => panic!("the broker is gone"),
        }
    }

    pub(super) fn pid(&self) -> u32 {
        match self {
            Self::Child(process) => process.pid(),
            Self::Here(_) | Self::Gone => panic!("no child process"),
        }
    }

    pub(super) async fn kill(self) {
        match self {
            Self::Child(process) => process.kill().await,
            Self::Here(_) | Self::Gone => panic!("no child process to kill"),
        }
    }

    pub(super) async fn ended(self) {
        match self {
            Self::Child(process) => {
                let status = process.ended().await;
                assert!(status.success(), "{status}");
            }
            Self::Here(_) | Self::Gone => panic!("no child process"),
        }
    }

    pub(super) async fn stop(self) {
        match self {
            Self::Here(running) => running.shutdown().await,
            Self::Child(process) => {
                let status = process.end(Signal::TERM).await;
                assert!(status.success(), "{status}");
            }
            Self::Gone => {}
        }
    }
}
