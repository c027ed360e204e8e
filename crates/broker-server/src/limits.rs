//! What the machine gives this process: files and memory.

use std::path::Path;
use std::{fs, io};

use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;

/// Files that are open beside connections of callers: connections to stores and providers, the journal, the log.
const OTHER_FILES: u64 = 256;

/// What a grant kept for vending takes, in bytes.
const CACHED_GRANT: u64 = 2048;

/// The part of the memory that the cache may take.
const CACHE_SHARE: u64 = 2;

/// Raises the limit of open files as far as it may be raised, says so if that is too low for this configuration, and makes
/// room for as many as it may need.
pub(crate) fn raise_files(config: &Config) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum
        && let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
    {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let needed = config.limits.most_connections() as u64 + OTHER_FILES;
    // `None` is no limit.
    let most = getrlimit(Resource::Nofile).current;
    make_room(most.unwrap_or(needed).min(needed));
    if let Some(most) = most.filter(|most| *most < needed) {
        tracing::warn!(
            most,
            needed,
            "fewer files may be open than [limits] connections and http_connections need: raise the limit of open files \
             (ulimit -n, LimitNOFILE), or lower those keys"
        );
    }
}

/// Linux doubles a full table of files, and keeps whoever opens one waiting for all other processors meanwhile, 10 ms or
/// more. A flood of connections would make it do so again and again, and callers wait with it. A table never shrinks.
fn make_room(files: u64) {
    let last = i32::try_from(files.saturating_sub(1)).unwrap_or(i32::MAX);
    if let Err(error) = fcntl_dupfd_cloexec(io::stderr(), last) {
        tracing::debug!(%error, "no room was made for open files; it is made as they are opened");
    }
}

/// How many grants may be kept: those the configuration asks for, or as many as fit into half of the memory.
pub(crate) fn cached_grants(config: &Config) -> usize {
    fitting(config.vend.cached_grants, memory_limit(Path::new("/")))
}

fn fitting(wanted: usize, memory: Option<u64>) -> usize {
    let Some(memory) = memory else { return wanted };
    let fit = usize::try_from(memory / CACHE_SHARE / CACHED_GRANT).unwrap_or(usize::MAX).max(1);
    if fit < wanted {
        tracing::warn!(
            wanted,
            fit,
            memory_bytes = memory,
            "[vend] cached_grants do not fit into half of the memory this process may use; fewer are kept"
        );
    }
    wanted.min(fit)
}

/// The memory that the control group of this process may use, in bytes; `None` where there is no limit, or none that is
/// known. In a container the group's files are at the top.
fn memory_limit(root: &Path) -> Option<u64> {
    let of_process = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let group = of_process.lines().find_map(|line| line.strip_prefix("0::/")).unwrap_or_default();
    let top = root.join("sys/fs/cgroup");
    let mut limits = Vec::new();
    for directory in top.join(group).ancestors().take_while(|directory| directory.starts_with(&top)) {
        limits.extend(read_limit(&directory.join("memory.max")));
    }
    limits.extend(read_limit(&top.join("memory/memory.limit_in_bytes")));
    limits.into_iter().min()
}

/// `max`, and what version 1 writes in its place, are no limits.
fn read_limit(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok().filter(|bytes| *bytes < 1 << 50)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (name, content) in files {
            let file = root.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, content).unwrap();
        }
        root
    }

    #[test]
    fn the_lowest_limit_of_the_group_and_those_above_it_counts() {
        let group = ("proc/self/cgroup", "0::/pod/broker\n");
        for (files, limit) in [
            (vec![], None),
            (vec![("sys/fs/cgroup/memory.max", "max\n")], None),
            (vec![("sys/fs/cgroup/memory.max", "1000\n")], Some(1000)),
            (
                vec![
                    ("sys/fs/cgroup/pod/memory.max", "700\n"),
                    ("sys/fs/cgroup/pod/broker/memory.max", "900\n"),
                ],
                Some(700),
            ),
            (vec![("sys/fs/cgroup/memory/memory.limit_in_bytes", "500\n")], Some(500)),
            (vec![("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")], None),
        ] {
            let files: Vec<_> = [group].into_iter().chain(files).collect();
            assert_eq!(memory_limit(tree(&files).path()), limit, "{files:?}");
        }
    }

    #[test]
    fn a_cache_never_takes_more_than_half() {
        assert_eq!(fitting(100_000, None), 100_000);
        assert_eq!(fitting(100_000, Some(1 << 30)), 100_000);
        assert_eq!(fitting(100_000, Some(64 << 20)), 16_384);
        assert_eq!(fitting(5, Some(0)), 1);
    }
}
