//! Structured logs on stderr: JSON for machines, text for people.

use std::fs::File;
use std::io::IsTerminal;
use std::sync::Mutex;

use tracing_subscriber::{Layer, Registry, fmt};

use super::levels::changeable;
use crate::config::{LogConfig, LogFormat};

/// Writes events as text into `file` if there is one, else to stderr.
pub(super) fn layer(config: &LogConfig, file: Option<File>) -> Box<dyn Layer<Registry> + Send + Sync> {
    let levels = changeable(config.level, &[]);
    if let Some(file) = file {
        let layer = fmt::layer().with_ansi(false).with_writer(Mutex::new(file));
        return layer.with_filter(levels).boxed();
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
    layer.with_filter(levels).boxed()
}
