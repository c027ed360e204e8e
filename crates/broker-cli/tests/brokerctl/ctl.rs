//! The binary under test.

use std::process::{Output, Stdio};

use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use crate::fake_broker::FakeBroker;

/// What a run of `brokerctl` left behind.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    pub(crate) fn json(&self) -> serde_json::Value {
        assert_eq!(self.code, 0, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// The value of one line of a table of facts.
    pub(crate) fn fact(&self, name: &str) -> &str {
        let value = self.stdout.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("  "));
        assert!(value.is_some(), "no line {name} in {self:?}");
        value.unwrap().trim_start()
    }
}

/// Runs with the arguments in `line`, separated by spaces.
pub(crate) async fn ctl(broker: &FakeBroker, line: &str) -> Run {
    ctl_with_input(broker, line, "").await
}

pub(crate) async fn ctl_with_input(broker: &FakeBroker, line: &str, input: &str) -> Run {
    run(&format!("--endpoint {} {line}", broker.endpoint()), input).await
}

pub(crate) async fn run(line: &str, input: &str) -> Run {
    let mut child = Command::new(env!("CARGO_BIN_EXE_brokerctl"))
        .args(line.split_whitespace())
        .env_remove("TOKEN_BROKER_ENDPOINT")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads no input may be gone already.
    let _ = stdin.write_all(input.as_bytes()).await;
    drop(stdin);
    let Output { status, stdout, stderr } = child.wait_with_output().await.unwrap();
    Run {
        code: status.code().unwrap(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}
