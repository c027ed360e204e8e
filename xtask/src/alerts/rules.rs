//! The rule files, read line by line: they are written in one way.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

/// One alert.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Alert {
    pub(super) name: String,
    /// The page about it, from the root.
    pub(super) runbook: String,
}

/// Every alert, in the order of the file.
pub(super) fn alerts(root: &Path) -> Result<Vec<Alert>> {
    let text = read(root, "alerts.rules.yaml")?;
    let mut alerts: Vec<Alert> = Vec::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix("- alert: ") {
            alerts.push(Alert { name: name.to_owned(), runbook: String::new() });
        } else if let (Some(page), Some(alert)) = (line.strip_prefix("runbook: "), alerts.last_mut()) {
            page.clone_into(&mut alert.runbook);
        }
    }
    Ok(alerts)
}

/// A rule file's text.
pub(super) fn read(root: &Path, name: &str) -> Result<String> {
    let file = root.join(super::RULES).join(name);
    fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))
}
