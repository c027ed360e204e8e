//! What is logged at which level.

use std::sync::{Mutex, PoisonError};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::{Registry, reload};

use crate::config::LogLevel;

/// Only our own crates may log below info: a dependency at `trace` prints headers and rows, secrets among them.
const OURS: [&str; 13] = [
    "broker_core",
    "broker_crypto",
    "broker_egress",
    "broker_escrow",
    "broker_otlp",
    "broker_postgres",
    "broker_proto",
    "broker_providers",
    "broker_redis",
    "broker_server",
    "broker_sqlite",
    "provider_sim",
    "token_broker",
];

/// Of every log of this process, and what is never told in it.
static CHANGEABLE: Mutex<Vec<Changeable>> = Mutex::new(Vec::new());

struct Changeable {
    handle: reload::Handle<Targets, Registry>,
    never: &'static [&'static str],
}

/// The filter of one log, on stderr or to a collector. `never` are targets that it leaves out at every level.
pub(super) fn changeable(
    level: LogLevel,
    never: &'static [&'static str],
) -> reload::Layer<Targets, Registry> {
    let (filter, handle) = reload::Layer::new(without(levels(level.into()), never));
    CHANGEABLE.lock().unwrap_or_else(PoisonError::into_inner).push(Changeable { handle, never });
    filter
}

/// From now on the logs of this process are of this level.
pub(crate) fn set_level(level: LogLevel) {
    for log in &*CHANGEABLE.lock().unwrap_or_else(PoisonError::into_inner) {
        if let Err(error) = log.handle.reload(without(levels(level.into()), log.never)) {
            tracing::error!(%error, "the level of a log could not be changed");
        }
    }
}

fn without(levels: Targets, never: &[&'static str]) -> Targets {
    levels.with_targets(never.iter().map(|target| (*target, LevelFilter::OFF)))
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
