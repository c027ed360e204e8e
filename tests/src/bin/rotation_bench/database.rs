//! The CPU time of a Postgres on this machine.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use broker_e2e::bench::ProcessCpu;
use sqlx::{Connection as _, PgConnection};

/// The processes of a server.
pub(crate) struct Database {
    /// The process that starts all others.
    parent: u32,
}

/// What each of them has used.
pub(crate) struct DatabaseCpu(HashMap<u32, ProcessCpu>);

impl Database {
    /// `None` where its processes cannot be seen from here, as in a container.
    pub(crate) async fn find(url: &str) -> Result<Option<Self>> {
        let mut connection = PgConnection::connect(url).await?;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        let backend = stat(u32::try_from(pid)?).filter(|(name, _)| name.contains("postgres"));
        connection.close().await?;
        Ok(backend.map(|(_, parent)| Self { parent }))
    }

    pub(crate) fn cpu(&self) -> Result<DatabaseCpu> {
        let mut processes = HashMap::new();
        for entry in fs::read_dir("/proc").context("cannot see the processes")? {
            let pid = entry?.file_name().to_str().and_then(|name| name.parse().ok());
            let ours = |pid: &u32| stat(*pid).is_some_and(|(_, parent)| parent == self.parent);
            if let Some(pid) = pid.filter(ours)
                && let Ok(cpu) = ProcessCpu::read(pid)
            {
                processes.insert(pid, cpu);
            }
        }
        Ok(DatabaseCpu(processes))
    }
}

impl DatabaseCpu {
    /// Of the processes that were there both times; connections are kept.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let both = self.0.iter().filter_map(|(pid, now)| Some((now, earlier.0.get(pid)?)));
        both.map(|(now, then)| now.since(then)).sum()
    }
}

/// Name and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (name, rest) = stat.rsplit_once(") ")?;
    Some((name.to_owned(), rest.split(' ').nth(1)?.parse().ok()?))
}
