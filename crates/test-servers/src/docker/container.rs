//! One container: started by `testcontainers`, hurt by the `docker` command, removed by a shell that outlives us.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use testcontainers::core::wait::LogWaitStrategy;
use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{GenericImage, ImageExt as _};

use super::Engine;
use super::image::name_and_tag;
use crate::{names, own_runtime, ports};

/// What to run.
pub(crate) struct Recipe<'a> {
    pub(crate) image: &'a str,
    pub(crate) port: u16,
    pub(crate) environment: &'a [(&'a str, &'a str)],
    pub(crate) command: Vec<String>,
    /// A part of the line it logs when it can be used, and how often it logs that during its first start.
    pub(crate) ready: (&'static str, usize),
}

/// A running container. Dropping it removes it; so does the end of this process, whatever its cause.
pub(crate) struct Container {
    engine: Engine,
    name: String,
    /// Where the server is reached.
    pub(crate) address: (String, u16),
    ready: &'static str,
    /// How often it has logged that it is ready.
    starts: usize,
    remover: Child,
}

impl Container {
    /// Starts it and waits until the server can be used. Pulls the image if it is not here.
    pub(crate) fn start(engine: Engine, recipe: Recipe<'_>) -> Result<Self> {
        let name = format!("test-servers-{}", names::unique());
        let port = ports::free()?;
        let (ready, starts) = recipe.ready;
        // The remover comes first: a container nobody removes never exists.
        let remover = remover(&engine, &name)?;
        let mut container =
            Self { engine, name: name.clone(), address: (String::new(), port), ready, starts, remover };
        container.address.0 = own_runtime::run(async || run(&name, port, recipe).await)?;
        Ok(container)
    }

    /// Sends the server a signal that ends it, and waits for its end.
    pub(crate) fn end_by(&self, signal: &str) -> Result<()> {
        self.docker(&["kill", "--signal", signal])?;
        self.docker(&["wait"])
    }

    /// Freezes every process of the container.
    pub(crate) fn pause(&self) -> Result<()> {
        self.docker(&["pause"])
    }

    pub(crate) fn resume(&self) -> Result<()> {
        self.docker(&["unpause"])
    }

    /// Runs a shell script beside the server.
    pub(crate) fn run_within(&self, script: &str) -> Result<()> {
        let words = ["exec", &self.name, "/bin/sh", "-c", script];
        let output = self.engine.command().args(words).output().context("cannot start docker")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "in {}: {}", self.name, said.trim());
        Ok(())
    }

    /// Starts it again and waits until the server can be used.
    pub(crate) fn start_again(&mut self) -> Result<()> {
        self.docker(&["start"])?;
        self.starts += 1;
        self.wait_until_ready()
    }

    /// Follows the log, which holds the container's whole life, up to the line of the last start.
    fn wait_until_ready(&self) -> Result<()> {
        let follow = r#"docker logs --follow "$1" 2>&1"#;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", follow, "sh", &self.name]).env("DOCKER_HOST", &self.engine.host);
        let mut logs = shell.process_group(0).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(logs.stdout.take().context("docker logs has no output")?).lines();
        let seen =
            lines.map_while(Result::ok).filter(|line| line.contains(self.ready)).take(self.starts).count();
        logs.kill()?;
        logs.wait()?;
        ensure!(seen == self.starts, "the container ended: see `docker logs {}`", self.name);
        Ok(())
    }

    fn docker(&self, words: &[&str]) -> Result<()> {
        let output =
            self.engine.command().args(words).arg(&self.name).output().context("cannot start docker")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "docker {} {}: {}", words.join(" "), self.name, said.trim());
        Ok(())
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        drop(self.remover.stdin.take());
        if let Err(error) = self.remover.wait() {
            eprintln!("cannot wait for the removal of {}: {error}", self.name);
        }
    }
}

/// A shell that removes the container when its input ends: when we say so, or end.
fn remover(engine: &Engine, name: &str) -> Result<Child> {
    let script = r#"while read -r _; do :; done; docker rm --force --volumes "$1""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", script, "test-container-remover", name]).env("DOCKER_HOST", &engine.host);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().context("cannot start /bin/sh")
}

/// Answers the host where the published port is.
async fn run(name: &str, port: u16, recipe: Recipe<'_>) -> Result<String> {
    let (message, times) = recipe.ready;
    let (image, tag) = name_and_tag(recipe.image);
    let ready = WaitFor::Log(LogWaitStrategy::stdout_or_stderr(message).with_times(times));
    let mut request = GenericImage::new(image, tag)
        .with_wait_for(ready)
        .with_cmd(recipe.command)
        .with_container_name(name)
        .with_mapped_port(port, recipe.port.tcp());
    for (variable, value) in recipe.environment {
        request = request.with_env_var(*variable, *value);
    }
    let container =
        request.start().await.with_context(|| format!("cannot run the image {}", recipe.image))?;
    let host = container.get_host().await?.to_string();
    // Not its to remove: dropped here, it would end with this runtime.
    std::mem::forget(container);
    Ok(host)
}
