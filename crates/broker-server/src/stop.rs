//! Being asked to end.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// SIGTERM and SIGINT, from the moment this is made: before it, they end the process without a word.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
    times: u32,
}

impl StopSignals {
    /// Takes the signals over.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, times: 0 })
    }

    /// Returns when the process is asked to end, once for each time.
    pub(crate) async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
        self.times += 1;
    }

    /// Whether it was asked again: whoever does that waits for nothing.
    pub(crate) fn is_hurried(&self) -> bool {
        self.times > 1
    }

    /// The result of `work`, or `None` if the process is asked to end before.
    pub(crate) async fn unless_asked<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            done = work => Some(done),
            () = self.asked() => None,
        }
    }
}
