//! Which core the servers run on and which one makes the load.

use std::io;
use std::process::{Child, Command};

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores in use.
pub enum Cores {
    /// Servers and load do not get in each other's way.
    Pinned {
        /// The servers' core.
        server: usize,
        /// The load's core.
        load: usize,
    },
    /// This process may use one core only.
    Shared,
}

impl Cores {
    /// The first two cores that this process may use.
    pub fn choose() -> Result<Self> {
        let allowed = sched_getaffinity(None).context("cannot ask which cores may be used")?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        Ok(match (cores.next(), cores.next()) {
            (Some(server), Some(load)) => Self::Pinned { server, load },
            _ => Self::Shared,
        })
    }

    /// Moves the calling thread, and those it starts from now on, to the load's core.
    pub fn pin_load(&self) -> Result<()> {
        match self {
            Self::Pinned { load, .. } => pin(*load).context("cannot move to the load's core"),
            Self::Shared => Ok(()),
        }
    }

    /// Starts a process on the servers' core: a child inherits the affinity of the thread that starts it.
    pub fn spawn_server(&self, command: &mut Command) -> io::Result<Child> {
        match self {
            Self::Pinned { server, load } => {
                pin(*server)?;
                let child = command.spawn();
                pin(*load)?;
                child
            }
            Self::Shared => command.spawn(),
        }
    }

    /// Whether the core of this number, as in `/proc/stat`, takes part.
    pub fn include(&self, core: usize) -> bool {
        match self {
            Self::Pinned { server, load } => core == *server || core == *load,
            Self::Shared => true,
        }
    }

    /// One phrase for the report.
    pub fn describe(&self) -> String {
        match self {
            Self::Pinned { server, load } => format!("server on core {server}, load on core {load}"),
            Self::Shared => "server and load share one core: only the ratio means anything".to_owned(),
        }
    }
}

fn pin(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}
