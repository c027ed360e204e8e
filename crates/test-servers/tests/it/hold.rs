//! The program that holds servers, and what is left when it is killed.

use std::fs::{self, Permissions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

/// The program, with servers of its own and their directories in `temporary`.
fn hold(temporary: &Path) -> (Child, Vec<(String, String)>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-servers"));
    command.arg("hold").env_remove("TEST_DATABASE_URL").env_remove("TEST_REDIS_URL").env("TMPDIR", temporary);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap).take(4);
    let urls = lines.filter_map(|line| line.split_once('=').map(|(name, url)| (name.into(), url.into())));
    let urls = urls.collect();
    (child, urls)
}

/// A directory where a server may run as another user.
fn temporary() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
    directory
}

/// Host and port.
fn address(url: &str) -> String {
    let (_, rest) = url.split_once("://").unwrap();
    rest.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned()
}

/// Returns when nobody listens there any more. As long as somebody does, the end of a connection is waited for.
fn wait_until_refused(address: &str) {
    while let Ok(mut connection) = TcpStream::connect(address) {
        // Nonsense to both: a connection that says nothing would be waited for.
        let _ended = connection.write_all(b"\r\n\r\n\r\n\r\n").and_then(|()| connection.read(&mut [0]));
    }
}

fn wait_until_empty(directory: &Path) {
    while fs::read_dir(directory).unwrap().next().is_some() {
        thread::yield_now();
    }
}

#[test]
fn both_servers_are_told_and_end_with_the_input() {
    let temporary = temporary();
    let (mut child, urls) = hold(temporary.path());
    let names: Vec<_> = urls.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["TEST_DATABASE_URL", "TEST_REDIS_URL"]);
    assert!(urls.iter().all(|(_, url)| TcpStream::connect(address(url)).is_ok()), "{urls:?}");
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert!(urls.iter().all(|(_, url)| TcpStream::connect(address(url)).is_err()), "{urls:?}");
}

#[test]
fn servers_end_when_their_holder_is_killed() {
    let temporary = temporary();
    let (mut child, urls) = hold(temporary.path());
    child.kill().unwrap();
    child.wait().unwrap();
    urls.iter().for_each(|(_, url)| wait_until_refused(&address(url)));
    wait_until_empty(temporary.path());
}

#[test]
fn a_url_that_does_not_work_is_an_error_and_nothing_takes_its_place() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_test-servers"));
    command.arg("hold").env("TEST_DATABASE_URL", "postgres://nobody@127.0.0.1:1/none");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success());
    assert!(said.contains("TEST_DATABASE_URL") && said.contains("cannot connect"), "{said}");
}
