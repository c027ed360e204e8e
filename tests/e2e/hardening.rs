//! A broker that dies leaves nothing behind for others to read.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;

use broker_e2e::{BrokerProcess, House, Program, Provider};
use rustix::process::Signal;
use tokio::process::Command;

use crate::BINARY;

#[tokio::test]
async fn an_abort_leaves_no_core_dump() {
    // Its simulators and configuration are used, its broker makes room.
    let mut house = House::plan().child(BINARY).open().await;
    house.consent(Provider::Evercam, "ada").await;
    house.stop().await;
    let directory = tempfile::tempdir().unwrap();
    let generous = "ulimit -c unlimited; ulimit -c >limit; exec \"$0\" serve --config \"$1\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", generous, BINARY]).arg(house.config()).current_dir(directory.path());
    let program = Program::start(shell, &directory.path().join("stderr"));

    let broker = BrokerProcess::started(program).await;
    let limit = fs::read_to_string(directory.path().join("limit")).unwrap();
    assert_eq!(limit.trim(), "unlimited", "the shell before it would have dumped");
    assert_eq!(core_size_limits(broker.pid()), ["0", "0"]);
    let status = broker.end(Signal::ABORT).await;

    assert_eq!(status.signal(), Some(6));
    assert!(!status.core_dumped());
    assert_eq!(core_files(directory.path()), [""; 0]);
    house.close().await;
}

/// Soft and hard.
fn core_size_limits(pid: u32) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

fn core_files(directory: &Path) -> Vec<String> {
    let names = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name());
    names.map(|name| name.into_string().unwrap()).filter(|name| name.starts_with("core")).collect()
}

#[tokio::test]
async fn what_the_broker_keeps_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let house = House::plan().child(BINARY).open().await;
    house.consent(Provider::EagleEye, "ada").await;
    let kept = broker_e2e::canary::files_below(&house.data());
    let of_broker = kept.iter().map(|(path, _)| path).filter(|path| !path.ends_with("broker.log"));
    let mut count = 0;
    for path in of_broker {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{} is open to others: {mode:o}", path.display());
        count += 1;
    }
    assert!(count >= 3, "database, its log, and an escrow segment");
    house.close().await;
}
