//! Asynchronous work for callers that have no runtime, or must not leave anything behind in theirs.

use std::thread;

use anyhow::{Result, anyhow};

/// Runs `work` to its end on a thread and a runtime of its own.
pub(crate) fn run<T: Send>(work: impl AsyncFnOnce() -> Result<T> + Send) -> Result<T> {
    let run = || tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work());
    thread::scope(|scope| scope.spawn(run).join()).map_err(|_| anyhow!("the work panicked"))?
}
