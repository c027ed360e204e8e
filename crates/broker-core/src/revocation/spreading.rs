//! Every replica forgets a grant that was revoked: at once where news is carried, with the next heartbeat in any case.

use std::time::Duration;

use crate::ports::{News, RevocationStore, StoreError, Wakeup};
use crate::vend::GrantCache;
use crate::{Broker, Generation, GrantKey, Timestamp};

/// Revocations looked at with each heartbeat. When there are more, everything is forgotten.
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
    let revoked = revocations.revoked_since(now - LOOKED_BACK, LOOKED_AT).await?;
    match revoked.len() >= LOOKED_AT as usize {
        true => cache.forget_all(),
        false => revoked.iter().for_each(|key| cache.forget(key)),
    }
    Ok(())
}
