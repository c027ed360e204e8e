//! A broker that is there, and not ready yet.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use broker_e2e::{BrokerProcess, House, LONGEST_WAIT, Program, http};
use broker_transit::testing::{KEY, MOUNT, Mode, StandIn, TOKEN};
use rustix::process::Signal;
use tokio::net::TcpStream;
use tokio::process::Command;

use super::until;
use crate::BINARY;

/// Nobody else takes it in the moment between.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_waits_for_its_keys_lives_and_is_not_ready() {
    let (service, directory) = (StandIn::start().await, tempfile::tempdir().unwrap());
    let token_file = directory.path().join("token");
    fs::write(&token_file, TOKEN).unwrap();
    let keys = format!(
        "[keys.transit]\nurl = \"{}\"\nmount = \"{MOUNT}\"\nkey = \"{KEY}\"\ntoken_file = \"{}\"\n",
        service.url(),
        token_file.display()
    );
    let mut house = House::plan().keys(&keys).child(BINARY).open().await;
    house.remember(|canaries| canaries.add("token of the service", TOKEN));
    house.stop().await;
    let probes = free_address();
    let written = fs::read_to_string(house.config()).unwrap();
    fs::write(house.config(), written.replace("http = \"127.0.0.1:0\"", &format!("http = \"{probes}\"")))
        .unwrap();
    service.set_mode(Mode::Sealed);

    let program = Program::start(serve(house.config()), &directory.path().join("log"));
    until("the listener", async || TcpStream::connect(probes).await.is_ok()).await;
    let (status, told) = http::get(probes, "/readyz", "").await;
    assert_eq!((status, told.ends_with("starting\n")), (503, true), "{told}");
    assert_eq!(http::get(probes, "/livez", "").await.0, 200);
    assert_eq!(http::get(probes, "/metrics", "").await.0, 503);
    assert_eq!(http::get(probes, "/oauth/callback/evercam", "").await.0, 503);
    service.set_mode(Mode::Serves);

    let broker = tokio::time::timeout(LONGEST_WAIT, BrokerProcess::started(program)).await.unwrap();
    assert_eq!(http::get(probes, "/readyz", "").await.0, 200, "it says where it listens once it is ready");
    assert!(broker.end(Signal::TERM).await.success());
    house.close().await;
}

fn serve(config: &Path) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["serve", "--config"]).arg(config);
    command
}
