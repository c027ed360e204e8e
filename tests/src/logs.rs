//! Everything the brokers of this process log, at every level.

use std::io;
use std::sync::{Mutex, Once, PoisonError};

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

static LINES: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static INSTALLED: Once = Once::new();

/// Begins to capture, once. Answers how much there is already.
pub(crate) fn capture() -> usize {
    INSTALLED.call_once(|| {
        let ours = Targets::new()
            .with_default(LevelFilter::INFO)
            .with_target("broker_", LevelFilter::TRACE)
            // What a provider writes down is not the broker's doing.
            .with_target("provider_sim", LevelFilter::OFF);
        let layer = fmt::layer().json().flatten_event(true).with_writer(Capture).with_filter(ours);
        tracing_subscriber::registry().with(layer).init();
    });
    captured(0).len()
}

/// What was logged after the first `from` bytes.
pub(crate) fn captured(from: usize) -> Vec<u8> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)[from..].to_vec()
}

struct Capture;

impl io::Write for Capture {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        LINES.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Capture {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        Self
    }
}
