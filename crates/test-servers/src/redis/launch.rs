//! Starts a Redis.

use anyhow::{Context as _, Result};

use super::{RedisOptions, probe};
use crate::binaries::Binaries;
use crate::docker::{Container, Engine, Recipe};
use crate::process::{Manners, ServerProcess, Workspace};
use crate::product::REDIS;
use crate::server::{Body, Server};
use crate::source::Source;
use crate::{machine, ports};

const READY: &str = "Ready to accept connections";

/// It keeps nothing, so it need not be asked to end.
const MANNERS: Manners = Manners { ready: READY, end: "KILL" };

/// A Redis from this source, ready to be used.
pub(super) fn launch(source: Source, options: &RedisOptions) -> Result<Server> {
    let origin = source.to_string();
    let (url, body) = match source {
        Source::Url(url) => (url, Body::Foreign),
        Source::Docker(engine) => container(engine, options)?,
        Source::Installed(binaries) | Source::Unpacked(binaries) => program(&binaries, options)?,
    };
    let version = probe::version(&url).context("cannot use it")?;
    Ok(Server::new(url, version, origin, body))
}

fn container(engine: Engine, options: &RedisOptions) -> Result<(String, Body)> {
    let command = ["redis-server", "--save", "", "--protected-mode", "no"].map(str::to_owned);
    let container = Container::start(
        engine,
        Recipe {
            image: &machine::image(&REDIS),
            port: 6379,
            environment: &[],
            command: command.into_iter().chain(options.arguments.clone()).collect(),
            ready: (READY, 1),
        },
    )?;
    let (host, port) = &container.address;
    Ok((url(host, *port), Body::Container(container)))
}

fn program(binaries: &Binaries, options: &RedisOptions) -> Result<(String, Body)> {
    let workspace = Workspace::new(None)?;
    let port = ports::free()?;
    let mut server = binaries.command_line("redis-server");
    server.extend(["--bind", "127.0.0.1", "--save", "", "--port"].map(Into::into));
    server.push(port.to_string().into());
    server.extend(["--dir".into(), workspace.directory().into()]);
    server.extend(options.arguments.iter().map(Into::into));
    let mut process = ServerProcess::new(workspace, MANNERS, &server)?;
    process.start()?;
    Ok((url("127.0.0.1", port), Body::Process(process)))
}

fn url(host: &str, port: u16) -> String {
    format!("redis://{host}:{port}")
}
