//! What this process tells of itself: logs on stderr, and traces, logs and metrics to a collector, if there is one.

mod levels;
mod log_lines;
mod metrics_push;

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use broker_core::ports::{NoTraces, TraceContext};
use broker_crypto::Entropy;
use broker_otlp::{OtelTraces, Pipeline};
use tokio::runtime::Handle;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::{SubscriberInitExt as _, TryInitError};
use tracing_subscriber::{Layer, Registry};

use self::levels::changeable;
pub(crate) use self::levels::set_level;
use crate::config::{Config, LogConfig};
use crate::panics::why_ended;
use crate::role::Role;

/// How long the last telemetry may take, once everything else is over.
const FLUSH_WITHIN: Duration = Duration::from_secs(5);

type Layers = Vec<Box<dyn Layer<Registry> + Send + Sync>>;

/// Telemetry to a collector. Without one it does nothing.
#[derive(Clone, Default)]
pub struct Telemetry(Option<Arc<Pipeline>>);

impl Telemetry {
    /// What ties spans of this process to those of others.
    pub(crate) fn traces(&self) -> Arc<dyn TraceContext> {
        match self.0 {
            Some(_) => Arc::new(OtelTraces),
            None => Arc::new(NoTraces),
        }
    }

    /// Sends what is left, once nothing more is told.
    pub(crate) async fn flush(self) {
        let Some(pipeline) = self.0 else { return };
        let flushed = tokio::task::spawn_blocking(move || pipeline.shut_down(FLUSH_WITHIN)).await;
        if let Err(error) = flushed {
            tracing::error!(error = why_ended(&error), "the last telemetry was not sent");
        }
    }
}

/// Installs the log subscriber of this process: text into `file` if there is one, else to stderr.
pub(crate) fn init(config: &LogConfig, file: Option<File>) -> Result<(), TryInitError> {
    install(vec![log_lines::layer(config, file)])
}

/// The same, on stderr, with what goes to the collector of the configuration. Call it in the runtime.
pub(crate) fn init_serving(config: &Config, role: Role, entropy: &dyn Entropy) -> anyhow::Result<Telemetry> {
    let mut layers = vec![log_lines::layer(&config.log, None)];
    let of_process = of_process(role, entropy);
    let settings = config.telemetry.settings(of_process).map_err(anyhow::Error::msg)?;
    let Some(settings) = settings else {
        install(layers)?;
        return Ok(Telemetry::default());
    };
    let pipeline = Pipeline::open(&settings, Handle::current()).context("[telemetry]")?;
    layers.extend(pipeline.layers(changeable(config.log.level, broker_otlp::NOT_TOLD)));
    install(layers)?;
    Ok(Telemetry(Some(Arc::new(pipeline))))
}

fn install(layers: Layers) -> Result<(), TryInitError> {
    tracing_subscriber::registry().with(layers).try_init()
}

/// Attributes that nobody configures.
fn of_process(role: Role, entropy: &dyn Entropy) -> Vec<(String, String)> {
    let mut id = [0; 16];
    entropy.fill(&mut id);
    let attributes = [
        ("service.version", env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id", format!("{:032x}", u128::from_be_bytes(id))),
        ("tokenbroker.role", role.as_str().to_owned()),
    ];
    attributes.map(|(name, value)| (name.to_owned(), value)).to_vec()
}
