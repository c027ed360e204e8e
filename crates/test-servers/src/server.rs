//! A server that runs, wherever it came from.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Result, bail};
use rustix::process::Signal;

use crate::docker::Container;
use crate::missing::or_panic;
use crate::process::ServerProcess;
use crate::version::Version;

/// A server, and what keeps it.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) version: Version,
    /// Where it came from, for people.
    pub(crate) origin: String,
    body: Arc<Mutex<Body>>,
}

impl Server {
    pub(crate) fn new(url: String, version: Version, origin: String, body: Body) -> Self {
        Self { url, version, origin, body: Arc::new(Mutex::new(body)) }
    }

    /// Ends it; it can be started again.
    pub(crate) async fn end(&self, end: End) {
        self.hurt(move |body| body.end(end)).await;
    }

    /// Stops it: its connections stay open, and nothing is answered.
    pub(crate) async fn pause(&self) {
        self.hurt(Body::pause).await;
    }

    /// Lets it go on.
    pub(crate) async fn resume(&self) {
        self.hurt(Body::resume).await;
    }

    /// Starts it again and waits until it can be used.
    pub(crate) async fn start_again(&self) {
        self.hurt(Body::start_again).await;
    }

    /// Runs a shell script in its container.
    pub(crate) async fn run_within(&self, script: String) {
        self.hurt(move |body| body.run_within(&script)).await;
    }

    /// Does it, off the caller's runtime, so that whoever uses the server meanwhile goes on.
    async fn hurt(&self, deed: impl FnOnce(&mut Body) -> Result<()> + Send + 'static) {
        let body = Arc::clone(&self.body);
        let deed = move || deed(&mut body.lock().unwrap_or_else(PoisonError::into_inner));
        or_panic(or_panic(tokio::task::spawn_blocking(deed).await));
    }
}

/// What runs the server. Dropping it ends the server, if it is ours.
pub(crate) enum Body {
    /// Somebody else's.
    Foreign,
    Process(ServerProcess),
    Container(Container),
}

/// What ends a server.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// SIGKILL.
    Kill,
    /// SIGQUIT.
    Quit,
}

impl Body {
    fn end(&mut self, end: End) -> Result<()> {
        match (self, end) {
            (Self::Foreign, _) => Ok(()),
            (Self::Process(process), End::Kill) => process.kill(),
            (Self::Process(process), End::Quit) => process.end_by(Signal::QUIT),
            (Self::Container(container), End::Kill) => container.end_by("KILL"),
            (Self::Container(container), End::Quit) => container.end_by("QUIT"),
        }
    }

    fn pause(&mut self) -> Result<()> {
        match self {
            Self::Foreign => Ok(()),
            Self::Process(process) => process.pause(),
            Self::Container(container) => container.pause(),
        }
    }

    fn resume(&mut self) -> Result<()> {
        match self {
            Self::Foreign => Ok(()),
            Self::Process(process) => process.resume(),
            Self::Container(container) => container.resume(),
        }
    }

    fn run_within(&self, script: &str) -> Result<()> {
        match self {
            Self::Container(container) => container.run_within(script),
            Self::Foreign | Self::Process(_) => bail!("it is in no container"),
        }
    }

    fn start_again(&mut self) -> Result<()> {
        match self {
            Self::Foreign => Ok(()),
            Self::Process(process) => process.start(),
            Self::Container(container) => container.start_again(),
        }
    }
}
