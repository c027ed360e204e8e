//! Whoever mints: this process, or another one that is asked through the store. Vending does not know which.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::task::TaskTracker;
use tracing::Span;

use super::refresher::Here;
use crate::error::chain;
use crate::ports::{MachineCredentialStore, StoreError};
use crate::rotation::{Flight, Flights, Rotated};
use crate::{BrokerError, Clock, GrantKey, MintMark, Timing};

/// How often it is looked whether a rotator has minted.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Mints tokens of machine credentials.
pub(crate) trait Minter: Send + Sync {
    /// Joins the mint that begins from this mark, or begins it.
    fn mint(&self, key: &GrantKey, mark: MintMark) -> Flight;
}

impl Minter for Here {
    fn mint(&self, key: &GrantKey, mark: MintMark) -> Flight {
        self.0.start_mint(key, mark)
    }
}

/// Has a rotator mint: the credential is made due, and looked at until it has changed.
pub(crate) struct MintElsewhere {
    pub(crate) store: Arc<dyn MachineCredentialStore>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) timing: Timing,
    pub(crate) flights: Flights,
    pub(crate) tasks: TaskTracker,
}

impl Minter for MintElsewhere {
    fn mint(&self, key: &GrantKey, mark: MintMark) -> Flight {
        let asking = Asking {
            store: self.store.clone(),
            clock: self.clock.clone(),
            wait: self.timing.default_wait,
            key: key.clone(),
            mark,
        };
        self.flights.join_or_start(key.grant_id(), Span::none, |landing, _| {
            self.tasks.spawn(async move {
                let minted = asking.answer().await.unwrap_or_else(|error| {
                    tracing::warn!(error = chain(&error), "a mint could not be asked for");
                    Rotated::Failed(BrokerError::from(error).into())
                });
                landing.land(minted);
            });
        })
    }
}

struct Asking {
    store: Arc<dyn MachineCredentialStore>,
    clock: Arc<dyn Clock>,
    wait: Duration,
    key: GrantKey,
    mark: MintMark,
}

impl Asking {
    async fn answer(&self) -> Result<Rotated, StoreError> {
        let began = self.clock.now();
        self.store.want_mint(&self.key, self.mark, began).await?;
        while self.clock.now().since(began) < self.wait {
            let seen = self.store.machine_credential(&self.key).await?;
            if seen.and_then(|seen| seen.mint_mark()) != Some(self.mark) {
                return Ok(Rotated::Unchanged);
            }
            self.clock.sleep_until(self.clock.now() + LOOK_AGAIN).await;
        }
        Ok(Rotated::StillRunning)
    }
}
