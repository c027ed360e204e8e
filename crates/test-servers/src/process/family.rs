//! A server's process and the ones it started.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal};

use super::signal;

/// Stops the process first, so that it starts no more, then its children. Answers all of them.
pub(super) fn stop(parent: Pid) -> Result<Vec<Pid>> {
    signal(parent, Signal::STOP)?;
    let family = all(parent)?;
    family.iter().try_for_each(|one| signal(*one, Signal::STOP))?;
    Ok(family)
}

/// Lets the children go on, then the process.
pub(super) fn resume(parent: Pid) -> Result<()> {
    all(parent)?.iter().rev().try_for_each(|one| signal(*one, Signal::CONT))
}

/// The process, then its children.
fn all(parent: Pid) -> Result<Vec<Pid>> {
    let processes = processes().context("cannot list the processes")?;
    let children = processes.iter().filter(|(_, of)| *of == parent.as_raw_nonzero().get());
    Ok([parent].into_iter().chain(children.filter_map(|(pid, _)| Pid::from_raw(*pid))).collect())
}

/// Every process id with its parent's.
fn processes() -> Result<Vec<(i32, i32)>> {
    if Path::new("/proc/self/stat").exists() { from_proc() } else { from_ps() }
}

fn from_proc() -> Result<Vec<(i32, i32)>> {
    let entries = fs::read_dir("/proc")?.flatten();
    // A process may end while the list is read: then it has no file any more.
    let stats = entries.filter_map(|entry| fs::read_to_string(entry.path().join("stat")).ok());
    Ok(stats.filter_map(|stat| from_stat(&stat)).collect())
}

/// Of `7 (a name) S 3 …`: 7 and 3. The name may have blanks and brackets.
fn from_stat(stat: &str) -> Option<(i32, i32)> {
    let (pid, _) = stat.split_once(' ')?;
    let (_, after_name) = stat.rsplit_once(')')?;
    Some((pid.parse().ok()?, after_name.split_whitespace().nth(1)?.parse().ok()?))
}

fn from_ps() -> Result<Vec<(i32, i32)>> {
    let output = Command::new("ps").args(["-A", "-o", "pid=", "-o", "ppid="]).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let pair = |line: &str| {
        let mut words = line.split_whitespace().map_while(|word| word.parse().ok());
        Some((words.next()?, words.next()?))
    };
    Ok(text.lines().filter_map(pair).collect())
}

#[cfg(test)]
mod tests {
    use std::process::Stdio;

    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        assert_eq!(from_stat("7 (my (odd) name) S 3 7 7 0"), Some((7, 3)));
    }

    #[test]
    fn children_are_found() {
        let mut child = Command::new("cat").stdin(Stdio::piped()).spawn().unwrap();
        let own = rustix::process::getpid();
        let family = all(own).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(family.contains(&own) && family.contains(&Pid::from_child(&child)), "{family:?}");
    }
}
