//! What the process takes and gives up at start.

use std::fs;

use broker_e2e::{BrokerProcess, House, Program};
use rustix::process::Signal;
use tokio::process::Command;

use crate::BINARY;

#[tokio::test]
async fn it_may_open_as_many_files_as_it_may_be_allowed_and_says_where_that_is_too_few() {
    let mut house = House::plan().child(BINARY).open().await;
    house.stop().await;
    let directory = tempfile::tempdir().unwrap();
    // Fewer than the connections that may be, so it must say so.
    let stingy = "ulimit -Sn 200; ulimit -Hn 1000; exec \"$0\" serve --config \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", stingy, BINARY]).arg(house.config());
    let log = directory.path().join("stderr");
    let broker = BrokerProcess::started(Program::start(shell, &log)).await;

    assert_eq!(limits(broker.pid(), "Max open files"), ["1000", "1000"]);
    assert_eq!(limits(broker.pid(), "Max core file size"), ["0", "0"]);
    assert_eq!(room_for_files(broker.pid()), 1024, "made at once: later it would keep callers waiting");
    assert!(fs::read_to_string(log).unwrap().contains("fewer files may be open"));
    assert!(broker.end(Signal::TERM).await.success());
    house.close().await;
}

/// How many open files the kernel has room for before it must make more.
fn room_for_files(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    status.lines().find_map(|line| line.strip_prefix("FDSize:")).unwrap().trim().parse().unwrap()
}

/// Soft and hard.
fn limits(pid: u32, name: &str) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}
