//! Whether a Docker engine answers, and where.

use std::env;
use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// How long an engine may take to say that it is there.
const PATIENCE: Duration = Duration::from_secs(2);

/// A Docker engine that answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Engine {
    /// As in `DOCKER_HOST`.
    pub(crate) host: String,
}

impl Engine {
    /// The engine that `testcontainers` would use, if it answers and there is a `docker` command to remove containers with.
    pub(crate) fn find() -> Result<Self, String> {
        let engine = Self { host: host(|name| env::var(name).ok(), |path| Path::new(path).exists()) };
        engine.ping().map_err(|why| format!("no engine answers at {}: {why}", engine.host))?;
        match engine.command().arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status() {
            Ok(status) if status.success() => Ok(engine),
            _ => Err(format!("an engine answers at {}, but there is no `docker` command", engine.host)),
        }
    }

    /// The `docker` command, talking to this engine.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new("docker");
        command.env("DOCKER_HOST", &self.host).stdin(Stdio::null());
        command
    }

    fn ping(&self) -> Result<(), String> {
        match self.host.split_once("://") {
            Some(("unix", path)) => ask_at(path),
            Some(("tcp" | "http", address)) => ask_over_tcp(address),
            _ => Err("only unix:// and tcp:// are understood".to_owned()),
        }
    }
}

/// The order is that of `testcontainers`.
fn host(variable: impl Fn(&str) -> Option<String>, exists: impl Fn(&str) -> bool) -> String {
    let under = |name: &str, rest: &str| variable(name).map(|directory| format!("{directory}/{rest}"));
    let sockets = [
        Some("/var/run/docker.sock".to_owned()),
        under("XDG_RUNTIME_DIR", ".docker/run/docker.sock"),
        under("HOME", ".docker/run/docker.sock"),
        under("HOME", ".docker/desktop/docker.sock"),
    ];
    let found = sockets.into_iter().flatten().find(|path| exists(path));
    variable("DOCKER_HOST")
        .unwrap_or_else(|| format!("unix://{}", found.unwrap_or_else(|| "/var/run/docker.sock".to_owned())))
}

fn ask_at(path: &str) -> Result<(), String> {
    let stream = UnixStream::connect(path).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    ask(stream)
}

fn ask_over_tcp(address: &str) -> Result<(), String> {
    let mut addresses = address.to_socket_addrs().map_err(|error| error.to_string())?;
    let address = addresses.next().ok_or("the name has no address")?;
    let stream = TcpStream::connect_timeout(&address, PATIENCE).map_err(|error| error.to_string())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
    ask(stream)
}

fn ask(mut stream: impl Read + Write) -> Result<(), String> {
    let mut status = [0; "HTTP/1.1 200".len()];
    stream
        .write_all(b"GET /_ping HTTP/1.1\r\nHost: docker\r\nConnection: close\r\n\r\n")
        .and_then(|()| stream.read_exact(&mut status))
        .map_err(|error| error.to_string())?;
    match status.ends_with(b" 200") {
        true => Ok(()),
        false => Err(format!("it says {}", String::from_utf8_lossy(&status))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_beats_every_socket() {
        let variable = |name: &str| (name == "DOCKER_HOST").then(|| "tcp://there:2375".to_owned());
        assert_eq!(host(variable, |_| true), "tcp://there:2375");
    }

    #[test]
    fn the_socket_that_exists_is_asked() {
        let variable = |name: &str| (name == "HOME").then(|| "/home/me".to_owned());
        let found = host(variable, |path| path.starts_with("/home/me"));
        assert_eq!(found, "unix:///home/me/.docker/run/docker.sock");
    }

    #[test]
    fn nobody_there_is_a_reason_and_no_engine() {
        let engine = Engine { host: "unix:///nonexistent/docker.sock".to_owned() };
        assert!(engine.ping().is_err());
    }
}
