//! The life of the process: how it starts, is reloaded, fails in parts, runs short of something, and ends.

mod checked;
mod drain;
mod exhausted;
mod machine;
mod panics;
mod reload;
mod start;

use std::time::Duration;

use broker_e2e::LONGEST_WAIT;

/// Waits until something holds that comes about by itself.
async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, waiting)
        .await
        .unwrap_or_else(|_| panic!("{what} does not come about"));
}
