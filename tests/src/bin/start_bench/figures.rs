//! Figures and their bounds.

use std::fmt;
use std::fs;

use anyhow::{Context as _, Result};

/// One figure, and what it may be at most.
pub(crate) struct Figure {
    name: String,
    value: f64,
    unit: &'static str,
    most: f64,
}

impl Figure {
    pub(crate) fn new(name: &str, value: f64, unit: &'static str, most: f64) -> Self {
        Self { name: name.to_owned(), value, unit, most }
    }

    pub(crate) fn is_within(&self) -> bool {
        self.value <= self.most
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, value, unit, most } = self;
        let verdict = if self.is_within() { "ok" } else { "TOO MUCH" };
        write!(f, "{name}: {value:.1} {unit} (at most {most:.0}) {verdict}")
    }
}

/// Megabytes, of a million bytes each, of a process that are in memory.
pub(crate) fn resident(pid: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).context("cannot look at the process")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib =
        line.and_then(|line| line.trim().strip_suffix(" kB")).context("the kernel does not say VmRSS")?;
    Ok(megabytes(kib.trim().parse::<u64>()? * 1024))
}

#[expect(clippy::cast_precision_loss, reason = "it is printed with one decimal")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_above_its_bound_is_too_much() {
        let shown = |value| Figure::new("x", value, "MB", 40.0).to_string();
        assert_eq!(shown(40.0), "x: 40.0 MB (at most 40) ok");
        assert_eq!(shown(40.2), "x: 40.2 MB (at most 40) TOO MUCH");
    }

    #[test]
    fn this_process_has_memory() {
        assert!(resident(std::process::id()).unwrap() > 0.5);
    }
}
