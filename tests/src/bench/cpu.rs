//! CPU time, as the kernel counts it.

use std::collections::HashMap;
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::Cores;

/// CPU time of one process up to now.
pub enum ProcessCpu {
    /// Time of each thread by its id, to the nanosecond.
    Threads(HashMap<u32, Duration>),
    /// Time of the process in clock ticks, where the kernel keeps no better account.
    Ticks(Duration),
}

impl ProcessCpu {
    /// What the kernel says now.
    pub fn read(pid: u32) -> Result<Self> {
        match threads(pid) {
            Some(threads) if threads.values().any(|time| !time.is_zero()) => Ok(Self::Threads(threads)),
            _ => Ok(Self::Ticks(ticks(pid)?)),
        }
    }

    /// What the process has used since `earlier`. A thread that has ended is not counted: a pool thread ends after
    /// ten idle seconds, so it did nothing in a round.
    pub fn since(&self, earlier: &Self) -> Duration {
        match (self, earlier) {
            (Self::Threads(now), Self::Threads(then)) => now
                .iter()
                .map(|(id, time)| time.saturating_sub(then.get(id).copied().unwrap_or_default()))
                .sum(),
            (Self::Ticks(now), Self::Ticks(then)) => now.saturating_sub(*then),
            _ => Duration::ZERO,
        }
    }
}

fn threads(pid: u32) -> Option<HashMap<u32, Duration>> {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).ok()?;
    let read = tasks.filter_map(|task| {
        let task = task.ok()?;
        let id = task.file_name().to_str()?.parse().ok()?;
        let account = fs::read_to_string(task.path().join("schedstat")).ok()?;
        Some((id, Duration::from_nanos(account.split(' ').next()?.parse().ok()?)))
    });
    Some(read.collect())
}

fn ticks(pid: u32) -> Result<Duration> {
    let path = format!("/proc/{pid}/stat");
    let stat =
        fs::read_to_string(&path).with_context(|| format!("cannot read {path}: the process has ended"))?;
    // The second field, the name, may hold blanks; user and system time are the 14th and 15th.
    let after_name = stat.rsplit_once(") ").context("the kernel's account has no name")?.1;
    Ok(after_name.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).map(from_ticks).sum())
}

/// Time the cores in use were busy with anything at all up to now, in clock ticks.
pub fn busy(cores: &Cores) -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat").context("cannot read /proc/stat")?;
    Ok(stat.lines().filter_map(|line| busy_of(line, cores)).sum())
}

fn busy_of(line: &str, cores: &Cores) -> Option<Duration> {
    let mut fields = line.strip_prefix("cpu")?.split(' ');
    let core = fields.next()?.parse().ok()?;
    // user nice system idle iowait irq softirq steal; the rest is counted in the first two already.
    let times = fields.take(8).enumerate().filter(|(index, _)| !matches!(index, 3 | 4));
    let used: u64 = times.filter_map(|(_, field)| field.parse::<u64>().ok()).sum();
    cores.include(core).then(|| from_ticks(used))
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_works_uses_time() {
        let before = ProcessCpu::read(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while ProcessCpu::read(std::process::id()).unwrap().since(&before).is_zero() {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
    }

    #[test]
    fn idle_waiting_and_other_cores_are_not_busy() {
        let cores = Cores::Pinned { server: 0, load: 1 };
        let tick = from_ticks(1);
        assert_eq!(busy_of("cpu1 1 2 4 1000 1000 8 16 32 0 0", &cores), Some(tick * 63));
        assert_eq!(busy_of("cpu2 1 2 4 1000 1000 8 16 32 0 0", &cores), None);
        assert_eq!(busy_of("cpu  1 2 4 1000 1000 8 16 32 0 0", &cores), None);
        assert_eq!(busy_of("intr 1 2", &cores), None);
    }
}
