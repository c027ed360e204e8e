//! What the operating system knows of this process. What it does not tell is left out.

use broker_core::Timestamp;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

use super::{Family, Unit};

pub(super) fn families(started_at: Timestamp) -> Vec<Family> {
    let resident = Family::gauge("process.resident_memory", "Memory in use").unit(Unit::Bytes);
    let open = Family::gauge("process.open_fds", "Open file descriptors");
    let most = Family::gauge("process.max_fds", "The most file descriptors that may be open");
    let cpu = Family::counter("process.cpu", "Time on processors, in user and system mode");
    let start = Family::gauge("process.start_time", "When the process began, since 1970");
    vec![
        with(resident, resident_bytes()),
        with(open, open_fds()),
        with(most, getrlimit(Resource::Nofile).current),
        cpu.unit(Unit::Seconds).value(cpu_seconds()),
        start.unit(Unit::Seconds).value(started_at.as_unix_micros() as f64 / 1e6),
    ]
}

fn with(family: Family, value: Option<u64>) -> Family {
    match value {
        Some(value) => family.value(value),
        None => family,
    }
}

fn cpu_seconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

#[cfg(target_os = "linux")]
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(target_os = "linux")]
fn open_fds() -> Option<u64> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
    // Without the one that is open to count them.
    open.checked_sub(1)
}

#[cfg(not(target_os = "linux"))]
fn resident_bytes() -> Option<u64> {
    None
}

#[cfg(not(target_os = "linux"))]
fn open_fds() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::family::Value;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_process_is_measured() {
        let families = families(Timestamp::from_unix_seconds(7));
        let value = |name: &str| {
            let family = families.iter().find(|family| family.name == name).unwrap();
            match family.points[0].value {
                Value::Whole(value) => value as f64,
                Value::Real(value) => value,
                Value::Distribution(_) => panic!("{name} is no number"),
            }
        };
        let _held = std::fs::File::open("/proc/self/status").unwrap();
        assert!(value("process.resident_memory") > 1024.0 * 1024.0);
        assert!(value("process.open_fds") >= 4.0);
        assert!(value("process.max_fds") >= value("process.open_fds"));
        assert!(value("process.cpu") > 0.0);
        assert!((value("process.start_time") - 7.0).abs() < 1e-9);
    }
}
