//! How the refreshing fares, in all replicas.

use crate::ports::{Backlog, RefreshPause, ReplicaStanding};
use crate::{Barred, Broker, BrokerError, Timestamp};

/// How the refreshing fares.
#[derive(Debug, Clone, PartialEq)]
pub struct RefreshStatus {
    /// When this was read.
    pub at: Timestamp,
    /// How much there is to do.
    pub backlog: Backlog,
    /// What operators have paused.
    pub pauses: Vec<RefreshPause>,
    /// The replicas that are alive, and the dead ones whose journal is still waited for.
    pub replicas: Vec<ReplicaStanding>,
    /// Why this replica claims nothing; `None` if it does.
    pub barred: Option<Barred>,
    /// The journal of this replica has room for another answer.
    pub escrow_writable: bool,
}

impl Broker {
    /// Reads how the refreshing fares. Its cost is that of what is due, open or in doubt, not that of all grants.
    pub async fn refresh_status(&self) -> Result<RefreshStatus, BrokerError> {
        let now = self.clock.now();
        Ok(RefreshStatus {
            at: now,
            backlog: self.scheduler.backlog(now).await?,
            pauses: self.scheduler.refresh_pauses(now).await?,
            replicas: self.scheduler.replicas(self.silent_since()).await?,
            barred: self.fleet.barred(),
            escrow_writable: self.escrow.reserve().await.is_ok(),
        })
    }
}
