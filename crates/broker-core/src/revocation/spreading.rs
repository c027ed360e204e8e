//! Every replica forgets a grant that was revoked: at once where news is carried, within a second in any case.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::error::chain;
use crate::ports::{News, RevocationStore, StoreError, Wakeup};
use crate::vend::GrantCache;
use crate::{Broker, Clock, Generation, GrantKey, Timestamp};

/// Between two looks for what others revoked. News of it may be lost without a sign.
const EVERY: Duration = Duration::from_millis(500);

/// How far back such a look goes: over commits that took their time, and clocks that are apart. A heartbeat looks further.
const LATELY: Duration = Duration::from_secs(5);

/// Revocations looked at each time. When there are more, everything is forgotten.
const LOOKED_AT: u32 = 1000;

/// How far back a heartbeat looks: over some heartbeats that failed, and clocks that are apart.
const LOOKED_BACK: Duration = Duration::from_secs(60);

impl Broker {
    /// Forgets these grants here, and tells the other replicas.
    pub(super) fn spread(&self, keys: &[GrantKey]) {
        for key in keys {
            self.cache.forget(key);
            let grant = key.grant_id();
            self.announce(Wakeup { grant, generation: Generation::NONE, news: News::Revoked });
        }
    }

    /// Forgets what was revoked of late, whoever did it: the news of it may have been lost.
    pub(crate) async fn forget_revoked(&self) -> Result<(), StoreError> {
        forget_revoked(self.revocations.as_ref(), &self.cache, self.clock.now()).await
    }
}

/// The same, for a cache of anybody's.
pub(crate) async fn forget_revoked(
    revocations: &dyn RevocationStore,
    cache: &GrantCache,
    now: Timestamp,
) -> Result<(), StoreError> {
    forget_revoked_since(revocations, cache, now - LOOKED_BACK).await
}

/// Forgets what others revoke, whether news of it comes or not, until `stop`.
pub(crate) async fn keep_forgetting(
    revocations: &dyn RevocationStore,
    cache: &GrantCache,
    clock: &dyn Clock,
    stop: &CancellationToken,
) {
    while stop.run_until_cancelled(clock.sleep_until(clock.now() + EVERY)).await.is_some() {
        if let Err(error) = forget_revoked_since(revocations, cache, clock.now() - LATELY).await {
            // The next heartbeat says it to everybody.
            tracing::debug!(error = chain(&error), "what others revoked could not be read");
        }
    }
}

async fn forget_revoked_since(
    revocations: &dyn RevocationStore,
    cache: &GrantCache,
    since: Timestamp,
) -> Result<(), StoreError> {
    let revoked = revocations.revoked_since(since, LOOKED_AT).await?;
    cache.store_answers();
    match revoked.len() >= LOOKED_AT as usize {
        true => cache.forget_all(),
        false => revoked.iter().for_each(|key| cache.forget(key)),
    }
    Ok(())
}
