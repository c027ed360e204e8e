//! News that did not come: while anybody watches, the store is asked what has changed.

use std::collections::HashSet;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::super::Vendor;
use crate::error::chain;
use crate::ports::{GrantChange, StoreError};

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// How far back each time: over clocks that are apart, and commits that took their time.
const LOOKED_BACK: Duration = Duration::from_secs(5);

/// Changes that are looked at one by one. When there are more, all is looked at.
const LOOKED_AT: u32 = 10_000;

impl Vendor {
    /// Tells watchers of what has changed, whether news of it came or not, until `stop`.
    pub(crate) async fn look_for_missed(&self, stop: &CancellationToken) {
        let mut seen = HashSet::new();
        while stop.run_until_cancelled(self.next_look()).await.is_some() {
            match self.changes().await {
                Ok(changes) => {
                    self.tell_of(changes.difference(&seen), changes.len());
                    seen = changes;
                }
                Err(error) => {
                    tracing::warn!(error = chain(&error), "what watchers may have missed could not be read");
                }
            }
        }
    }

    async fn next_look(&self) {
        self.news.watchers.anybody().await;
        self.clock.sleep_until(self.clock.now() + EVERY).await;
    }

    async fn changes(&self) -> Result<HashSet<GrantChange>, StoreError> {
        let since = self.clock.now() - LOOKED_BACK;
        Ok(self.grants.changed_since(since, LOOKED_AT).await?.into_iter().collect())
    }

    fn tell_of<'a>(&self, changes: impl Iterator<Item = &'a GrantChange>, count: usize) {
        if count >= LOOKED_AT as usize {
            self.cache.forget_all();
            self.news.watchers.tell_all();
            return;
        }
        for change in changes {
            self.cache.forget(&change.key);
            self.news.watchers.tell_of(&change.key);
        }
    }
}
