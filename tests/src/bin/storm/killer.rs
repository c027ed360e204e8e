//! Kills replicas at random moments.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Result;
use broker_e2e::{Client, Dice};

use crate::fleet::Fleet;
use crate::plan::Plan;
use crate::replica::{Death, Replica};

/// One start in so many is cut short by another kill.
const DIES_STARTING: usize = 8;
/// Within this long a start has replayed its escrow, or is about to.
const START: Duration = Duration::from_millis(300);

/// Has the replicas in its hands. Each hand takes one, kills it and starts it again; of several replicas one is in no
/// hand, so that somebody is there to go on.
pub(crate) struct Killer {
    fleet: Arc<Fleet>,
    replicas: usize,
    table: Mutex<Table>,
}

/// What the hands share.
struct Table {
    /// Those in no hand.
    standing: Vec<Replica>,
    dice: Dice,
    kills_left: usize,
    deaths: Vec<Death>,
}

impl Killer {
    pub(crate) fn new(replicas: Vec<Replica>, fleet: Arc<Fleet>, dice: Dice, kills: usize) -> Self {
        let count = replicas.len();
        let table = Table { standing: replicas, dice, kills_left: kills, deaths: Vec::new() };
        Self { fleet, replicas: count, table: Mutex::new(table) }
    }

    /// How many replicas may be down at once.
    pub(crate) fn hands(&self) -> usize {
        self.replicas.saturating_sub(1).max(1)
    }

    /// Starts every replica.
    pub(crate) async fn start_all(&mut self) -> Result<()> {
        let table = self.table.get_mut().unwrap_or_else(PoisonError::into_inner);
        for replica in &mut table.standing {
            start(replica, &self.fleet).await?;
        }
        Ok(())
    }

    /// Kills a random replica at a random moment, and starts it again; now and then it dies of that too. For one hand
    /// at a time. `false`: there was no kill left.
    pub(crate) async fn strike(&self, plan: &Plan) -> Result<bool> {
        let Some((mut replica, pause)) = self.table().take(plan.kill_pause) else { return Ok(false) };
        tokio::time::sleep(pause).await;
        let death = replica.kill().await?;
        self.fleet.set(replica.number(), None);
        self.table().deaths.push(death);
        while let Some(pause) = self.dies_starting() {
            let death = replica.start_and_die(pause).await?;
            self.table().deaths.push(death);
        }
        start(&mut replica, &self.fleet).await?;
        self.table().standing.push(replica);
        Ok(true)
    }

    /// When the next start is cut short; `None` if it is not.
    fn dies_starting(&self) -> Option<Duration> {
        self.table().dies_starting()
    }

    /// How many processes it has killed.
    pub(crate) fn kills(&self) -> usize {
        self.table().deaths.len()
    }

    /// Lets every replica end as it likes to. Answers all deaths, and how many did not end well.
    pub(crate) async fn stop_all(self) -> Result<(Vec<Death>, usize)> {
        let table = self.table.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut bad = 0;
        for mut replica in table.standing {
            bad += usize::from(!replica.stop().await?.success());
        }
        Ok((table.deaths, bad))
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// A random replica to kill after a random pause.
    fn take(&mut self, longest: Duration) -> Option<(Replica, Duration)> {
        self.kills_left = self.kills_left.checked_sub(1)?;
        let victim = self.dice.below(self.standing.len());
        Some((self.standing.swap_remove(victim), self.dice.pause(longest)))
    }

    fn dies_starting(&mut self) -> Option<Duration> {
        if self.kills_left == 0 || self.dice.below(DIES_STARTING) > 0 {
            return None;
        }
        self.kills_left -= 1;
        Some(self.dice.pause(START))
    }
}

async fn start(replica: &mut Replica, fleet: &Fleet) -> Result<()> {
    let address = replica.start().await?;
    fleet.set(replica.number(), Some(Client::connect(address).await));
    Ok(())
}
