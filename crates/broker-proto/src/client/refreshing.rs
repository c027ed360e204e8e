//! Asks for newer tokens before anybody waits for them, where no stream brings them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use tokio::time::sleep;

use super::shared::Shared;
use crate::v1::GrantKey;

/// How many keys are asked for at once.
const AT_ONCE: usize = 16;

/// The clock is looked at again after this time: it may have been set.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);

/// Never ends: whoever dropped the client dropped it.
pub(super) async fn keep_refreshing(shared: Arc<Shared>) {
    loop {
        let (due, pause) = shared.due();
        if !due.is_empty() {
            ask_all(&shared, due).await;
            continue;
        }
        tokio::select! {
            () = sleep(pause) => {}
            () = shared.due_changed.notified() => {}
        }
    }
}

/// Asks for each of the keys. What fails is kept with its key.
pub(super) async fn ask_all(shared: &Arc<Shared>, keys: Vec<GrantKey>) {
    let flights: Vec<_> = keys.iter().filter_map(|key| shared.flight(key)).collect();
    stream::iter(flights).buffer_unordered(AT_ONCE).for_each(|_| async {}).await;
}

impl Shared {
    /// Forgets what nobody uses; then what is due, and how long nothing else is.
    fn due(&self) -> (Vec<GrantKey>, Duration) {
        let (now, mut table) = (self.now(), self.table());
        if table.forget(now, self.options.forget_after) {
            self.keys_changed.notify_one();
        }
        let (due, next) = table.due(now, &self.options);
        let pause = next.map_or(LONGEST_SLEEP, |next| next.duration_since(now).unwrap_or_default());
        (due, pause.min(LONGEST_SLEEP))
    }
}
