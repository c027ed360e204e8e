//! What every connection of one simulator shares.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::faults::Faults;
use crate::journal::Journal;
use crate::provider::Provider;

pub(super) struct Site {
    pub(super) provider: Box<dyn Provider>,
    pub(super) clock: Clock,
    pub(super) journal: Journal,
    pub(super) faults: Faults,
    pub(super) tasks: TaskTracker,
    pub(super) stop: CancellationToken,
}

impl Site {
    pub(super) fn new(provider: Box<dyn Provider>, clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            provider,
            clock,
            journal: Journal::new(),
            faults: Faults::new(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        })
    }
}
