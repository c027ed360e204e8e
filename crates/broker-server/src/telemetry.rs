//! Structured logs on stderr: JSON for machines, text for people.

use std::fs::File;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{Layer, fmt};

use crate::config::{LogConfig, LogFormat};

/// Only our own crates may log below info: a dependency at `trace` prints headers and rows, secrets among them.
const OURS: [&str; 12] = [
    "broker_core",
    "broker_crypto",
    "broker_egress",
    "broker_escrow",
    "broker_postgres",
    "broker_proto",
    "broker_providers",
    "broker_redis",
    "broker_server",
    "broker_sqlite",
    "provider_sim",
    "token_broker",
];

/// Installs the log subscriber of this process: text into `file` if there is one, else to stderr.
pub(crate) fn init(config: &LogConfig, file: Option<File>) -> Result<(), TryInitError> {
    let levels = levels(config.level.into());
    if let Some(file) = file {
        let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
        return tracing_subscriber::registry().with(layer.with_filter(levels)).try_init();
    }
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let layer = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let layer = match json {
        true => layer.json().flatten_event(true).boxed(),
        false => layer.with_ansi(std::io::stderr().is_terminal()).boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(levels)).try_init()
}

fn levels(level: LevelFilter) -> Targets {
    let dependencies = level.min(LevelFilter::INFO);
    Targets::new().with_default(dependencies).with_targets(OURS.map(|name| (name, level)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn trace_is_ours_alone() {
        let levels = levels(LevelFilter::TRACE);
        assert!(levels.would_enable("broker_core::rotation", &Level::TRACE));
        for dependency in
            ["hyper::proto::h1", "h2::codec", "sqlx::query", "reqwest::connect", "tonic", "rustls"]
        {
            assert!(levels.would_enable(dependency, &Level::INFO), "{dependency}");
            assert!(!levels.would_enable(dependency, &Level::DEBUG), "{dependency}");
        }
    }

    #[test]
    fn a_quiet_level_quiets_dependencies_too() {
        assert!(!levels(LevelFilter::ERROR).would_enable("hyper", &Level::INFO));
    }
}
