//! Who attacks: on a thread of its own, which gives way to good clients on the same core, so that what an attack costs its
//! attacker is not counted as what it costs them.

use std::net::SocketAddr;
use std::thread::JoinHandle;
use std::time::Instant;

use anyhow::{Context as _, Result, anyhow, ensure};
use rustix::process::setpriority_process;
use tokio_util::sync::CancellationToken;

use crate::attack::{Attack, Blows};

/// The last in the line.
const NICENESS: i32 = 19;

/// An attack that goes on.
pub(crate) struct Attacker {
    stop: CancellationToken,
    thread: JoinHandle<Result<()>>,
}

impl Attacker {
    /// Begins the attack. Good clients make so many calls a second.
    pub(crate) fn start(attack: Attack, address: SocketAddr, rate: u32) -> Self {
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            // On Linux this is of the calling thread alone.
            setpriority_process(None, NICENESS).context("the attacker cannot give way")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            let (blows, began) = (Blows::default(), Instant::now());
            let attacking = stopped.run_until_cancelled(attack.go_on(address, rate, &blows));
            ensure!(runtime.block_on(attacking).is_none(), "an attack ended by itself");
            let (done, least) = (blows.count(), attack.least(began.elapsed(), rate));
            ensure!(done >= least, "{}: too weak an attack, {done} of at least {least} blows", attack.name());
            Ok(())
        });
        Self { stop, thread }
    }

    /// Ends the attack. Fails if it did not go on until now, or came to too little.
    pub(crate) async fn stop(self) -> Result<()> {
        self.stop.cancel();
        let ended = tokio::task::spawn_blocking(|| self.thread.join()).await?;
        ended.map_err(|_| anyhow!("the attacker broke down"))?
    }
}
