//! Starts a Postgres.

use std::ffi::OsString;

use anyhow::{Context as _, Result};

use super::{PostgresOptions, probe};
use crate::binaries::Binaries;
use crate::docker::{Container, Engine, Recipe};
use crate::process::{Account, Manners, ServerProcess, Workspace};
use crate::product::POSTGRES;
use crate::reachable::reachable;
use crate::server::{Body, Server};
use crate::source::Source;
use crate::{machine, ports};

const READY: &str = "database system is ready to accept connections";

/// An immediate shutdown: the server ends all its processes before it ends.
const MANNERS: Manners = Manners { ready: READY, end: "QUIT" };

/// A Postgres from this source, ready to be used.
pub(super) fn launch(source: Source, options: &PostgresOptions) -> Result<Server> {
    let origin = source.to_string();
    let (url, body) = match source {
        Source::Url(url) => (url, Body::Foreign),
        Source::Docker(engine) => container(engine, options)?,
        Source::Installed(binaries) | Source::Unpacked(binaries) => program(&binaries, options)?,
    };
    let version = probe::version(&url).context("cannot use it")?;
    Ok(Server::new(url, version, origin, body))
}

fn container(engine: Engine, options: &PostgresOptions) -> Result<(String, Body)> {
    let settings = settings(options).into_iter().flat_map(|setting| ["-c".to_owned(), setting]);
    let container = Container::start(
        engine,
        Recipe {
            image: &machine::image(&POSTGRES),
            port: 5432,
            environment: &[("POSTGRES_HOST_AUTH_METHOD", "trust")],
            command: ["postgres".to_owned()].into_iter().chain(settings).collect(),
            // The image starts it once to set it up, and once more to stay.
            ready: (READY, 2),
        },
    )?;
    let (host, port) = &container.address;
    Ok((url(host, *port), Body::Container(container)))
}

fn program(binaries: &Binaries, options: &PostgresOptions) -> Result<(String, Body)> {
    let workspace = Workspace::new(Account::unprivileged()?)?;
    let binaries = &reachable(binaries, &workspace)?;
    let directory = workspace.directory().to_owned();
    let data = directory.join("data");
    let port = ports::free()?;
    let mut server = binaries.command_line("postgres");
    server.extend(words(["-D"]).chain([data.clone().into()]).chain(words(["-p", &port.to_string()])));
    let own =
        ["listen_addresses=127.0.0.1".into(), format!("unix_socket_directories={}", directory.display())];
    for setting in settings(options).into_iter().chain(own) {
        server.extend(words(["-c", &setting]));
    }
    let mut process = ServerProcess::new(workspace, MANNERS, &server)?;
    process.prepare(&initdb(binaries, data.into()))?;
    process.start()?;
    Ok((url("127.0.0.1", port), Body::Process(process)))
}

fn initdb(binaries: &Binaries, data: OsString) -> Vec<OsString> {
    let mut line = binaries.command_line("initdb");
    line.extend(words([
        "--no-sync",
        "--no-locale",
        "--encoding=UTF8",
        "--auth=trust",
        "--username=postgres",
    ]));
    line.extend([OsString::from("--pgdata"), data]);
    line
}

fn settings(options: &PostgresOptions) -> Vec<String> {
    let fsync = if options.durable { "on" } else { "off" };
    let own = [
        ("fsync", fsync),
        ("max_connections", "300"),
        ("log_min_messages", "log"),
        ("jit", "off"),
        // A shutdown waits this long for a client that has connected just then and says nothing.
        ("authentication_timeout", "10s"),
    ];
    let more = options.settings.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    own.into_iter().chain(more).map(|(name, value)| format!("{name}={value}")).collect()
}

fn url(host: &str, port: u16) -> String {
    format!("postgres://postgres@{host}:{port}/postgres")
}

fn words<const N: usize>(words: [&str; N]) -> impl Iterator<Item = OsString> {
    words.map(OsString::from).into_iter()
}
