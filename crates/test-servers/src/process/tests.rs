use std::fs;
use std::path::Path;

use super::*;

/// A server that says it is ready, and starts a child that holds its log open.
const TOY: &str = "sleep 1000 & echo toy is ready; wait";

fn toy(script: &str) -> (ServerProcess, PathBuf) {
    let workspace = Workspace::new(None).unwrap();
    let directory = workspace.directory().to_owned();
    let manners = Manners { ready: "toy is ready", end: "KILL" };
    let line = ["/bin/sh", "-c", script].map(OsString::from);
    (ServerProcess::new(workspace, manners, &line).unwrap(), directory)
}

fn family_of(server: &ServerProcess) -> Vec<Pid> {
    let (pid, _) = server.running.as_ref().unwrap();
    family::stop(*pid).unwrap()
}

fn runs(pid: Pid) -> bool {
    // The state of a process that has ended and nobody has asked for yet is Z.
    let stat = fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat"));
    stat.is_ok_and(|stat| !stat.contains(") Z"))
}

#[test]
fn killing_a_server_takes_its_children_along() {
    let (mut server, _) = toy(TOY);
    server.start().unwrap();
    assert_eq!(family_of(&server).len(), 2);
    // Fails while anybody holds the log open, and the child does.
    server.kill().unwrap();
}

#[test]
fn a_killed_server_starts_again_in_the_same_directory() {
    let (mut server, directory) = toy("echo started >> starts; echo toy is ready; exec sleep 1000");
    server.start().unwrap();
    server.kill().unwrap();
    server.start().unwrap();
    assert_eq!(fs::read_to_string(directory.join("starts")).unwrap(), "started\nstarted\n");
}

#[test]
fn dropping_a_paused_server_ends_it_and_removes_its_directory() {
    let (mut server, directory) = toy("echo toy is ready; exec sleep 1000");
    server.start().unwrap();
    server.pause().unwrap();
    let (pid, _) = server.running.as_ref().unwrap();
    let pid = *pid;
    assert!(runs(pid) && directory.exists());
    drop(server);
    assert!(!runs(pid) && !directory.exists());
}

#[test]
fn a_server_that_ends_at_once_is_an_error_with_its_last_words() {
    let (mut server, _) = toy("echo the port is taken >&2; exit 1");
    let error = server.start().unwrap_err().to_string();
    assert!(error.contains("the port is taken"), "{error}");
}

#[test]
fn a_preparation_that_fails_is_an_error_with_its_last_words() {
    let (mut server, _) = toy(TOY);
    let error =
        server.prepare(&["sh", "-c", "echo no room; exit 3"].map(Into::into)).unwrap_err().to_string();
    assert!(error.contains("no room"), "{error}");
}
