//! Waiting for a rotation that another replica has begun: by its news, or by looking at the store.

use std::time::Duration;

use super::{HeldGrant, Vendor};
use crate::rotation::{Flight, Rotated, Trigger};
use crate::{Lifecycle, Phase};

/// How often the store is looked at while no news comes.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Who was never the first to look tries to rotate after so many looks all the same: a full cache forgets by itself.
const MOST_LOOKS: usize = 8;

impl Vendor {
    /// Waits for a rotation, whichever replica has it: another one's is heard of, or seen in the store.
    pub(super) async fn landed_anywhere(&self, held: &HeldGrant, mut flight: Flight) -> Rotated {
        let grant = &held.grant;
        let mut seen = held.clone();
        loop {
            let rotated = flight.landed().await;
            if !matches!(rotated, Rotated::StillRunning) {
                return rotated;
            }
            for _ in 0..MOST_LOOKS {
                let is_first = self.news_or_pause(&seen).await;
                match self.vendable(&grant.key).await {
                    Ok(now) if now.grant.generation > grant.generation => return Rotated::Unchanged,
                    Ok(now) if now.grant.lifecycle != Lifecycle::Active => return Rotated::Refused,
                    Ok(now) => seen = now,
                    Err(_) => {}
                }
                if is_first {
                    break;
                }
            }
            flight = self.refresher.refresh_again(grant, Trigger::Caller);
        }
    }

    /// Waits until the store has a newer token set, or another replica's rotation is over otherwise.
    pub(super) async fn adopted_elsewhere(&self, held: &HeldGrant) {
        let generation = held.grant.generation;
        let mut seen = held.clone();
        self.cache.doubt(seen.row());
        loop {
            if let Ok(now) = self.vendable(&held.grant.key).await {
                let at_work = matches!(now.grant.phase, Phase::Claimed | Phase::Sent);
                if now.grant.generation > generation || !at_work {
                    return;
                }
                seen = now;
            }
            self.news_or_pause(&seen).await;
        }
    }

    /// Many may wait for one grant. Who is the first to look again reads the store and tries to rotate; the others see
    /// what was read. Answers whether the caller is the first.
    async fn news_or_pause(&self, seen: &HeldGrant) -> bool {
        tokio::select! {
            () = self.news.of(seen.grant.id) => {}
            () = self.clock.sleep_until(self.clock.now() + LOOK_AGAIN) => {}
        }
        self.cache.doubt(seen.row())
    }
}
