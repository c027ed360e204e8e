//! A bug in one place.

use std::fs;
use std::path::Path;

use broker_e2e::{BrokerProcess, Client, House, LONGEST_WAIT, Program, Provider, ask, http};
use broker_proto::v1::Reason;
use rustix::process::Signal;
use tokio::process::Command;
use tonic::Code;

use super::until;
use crate::BINARY;

/// A broker on what that house left, with a task that panics once.
fn panicking(house: &House, task: &str, log: &Path) -> Program {
    let mut command = Command::new(BINARY);
    command
        .args(["serve", "--config"])
        .arg(house.config())
        .env("TOKEN_BROKER_FAILPOINT", format!("panic.{task}"));
    Program::start(command, log)
}

/// One line of the log tells of it, and none what it said.
fn told(log: &Path, task: &str) -> bool {
    let text = fs::read_to_string(log).unwrap();
    assert!(!text.contains("s3cret"), "{text}");
    let events = text.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let panics: Vec<_> = events
        .filter(|event| event["message"].as_str().is_some_and(|m| m.contains("a task panicked")))
        .collect();
    panics.len() == 1
        && panics[0]["task"] == task
        && panics[0]["level"] == "ERROR"
        && panics[0]["line"].is_u64()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_panics_fails_alone() {
    let (mut house, directory) = (House::plan().child(BINARY).open().await, tempfile::tempdir().unwrap());
    let key = house.consent(Provider::Evercam, "ada").await;
    house.stop().await;
    let log = directory.path().join("stderr");
    let broker = BrokerProcess::started(panicking(&house, "rpc", &log)).await;
    let client = Client::connect(broker.grpc).await;
    let error = client.token(ask(&key)).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Internal, Some(Reason::Internal)));
    assert!(!error.message().contains("s3cret"), "{}", error.message());
    assert!(told(&log, "rpc"));
    // The same connection, the same grant.
    assert_eq!(client.token(ask(&key)).await.unwrap().generation, 1);
    assert!(broker.end(Signal::TERM).await.success());
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_panics_is_begun_again() {
    let (mut house, directory) = (House::plan().child(BINARY).open().await, tempfile::tempdir().unwrap());
    house.stop().await;
    for task in ["scheduler", "membership", "webhooks"] {
        let log = directory.path().join(task);
        let broker = BrokerProcess::started(panicking(&house, task, &log)).await;
        until("the line", async || told(&log, task)).await;
        until("its second beginning", async || fs::read_to_string(&log).unwrap().contains("begun again"))
            .await;
        assert_eq!(http::get(broker.http, "/readyz", "").await.0, 200);
        let (_, page) = http::get(broker.http, "/metrics", "").await;
        assert!(page.contains(&format!("token_broker_panics_total{{task=\"{task}\"}} 1")), "{page}");
        assert!(broker.end(Signal::TERM).await.success());
    }
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_task_that_cannot_be_begun_again_the_process_ends_in_order() {
    let (mut house, directory) = (House::plan().child(BINARY).open().await, tempfile::tempdir().unwrap());
    house.stop().await;
    let log = directory.path().join("stderr");
    let broker = panicking(&house, "audit", &log);
    let status = tokio::time::timeout(LONGEST_WAIT, broker.ended()).await.unwrap();
    assert_eq!(status.code(), Some(1));
    assert!(told(&log, "audit"));
    let text = fs::read_to_string(&log).unwrap();
    assert!(text.contains("stopping") && text.contains("cannot do without"), "{text}");
    house.close().await;
}
