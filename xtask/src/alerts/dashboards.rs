//! The dashboards of `deploy/grafana`, and what their panels ask.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde_json::Value;

/// A dashboard.
pub(super) struct Dashboard {
    pub(super) file: String,
    pub(super) json: Value,
}

/// What one panel asks of Prometheus.
#[derive(Debug)]
pub(super) struct Query {
    /// Which dashboard and panel.
    pub(super) place: String,
    /// As Grafana sends it.
    pub(super) expression: String,
}

/// All of them, by name.
pub(super) fn all(root: &Path) -> Result<Vec<Dashboard>> {
    let folder = root.join("deploy/grafana");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    files.retain(|file| file.extension().is_some_and(|name| name == "json"));
    files.sort();
    files.iter().map(read).collect()
}

/// Every query of every panel.
pub(super) fn queries(root: &Path) -> Result<Vec<Query>> {
    let dashboards = all(root)?;
    Ok(dashboards.iter().flat_map(|dashboard| dashboard.panels().flat_map(|panel| panel.queries())).collect())
}

fn read(file: &PathBuf) -> Result<Dashboard> {
    let text = fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    let json = serde_json::from_str(&text).with_context(|| format!("{} is no JSON", file.display()))?;
    let file = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Dashboard { file, json })
}

/// A panel and the dashboard it is on.
pub(super) struct Panel<'a> {
    dashboard: &'a Dashboard,
    pub(super) json: &'a Value,
}

impl Dashboard {
    pub(super) fn panels(&self) -> impl Iterator<Item = Panel<'_>> {
        list(&self.json, "panels").map(|json| Panel { dashboard: self, json })
    }
}

impl Panel<'_> {
    /// For people.
    pub(super) fn place(&self) -> String {
        format!("{}, panel `{}`", self.dashboard.file, text(self.json, "title"))
    }

    pub(super) fn queries(&self) -> Vec<Query> {
        let asked = list(self.json, "targets").map(|target| text(target, "expr"));
        asked.map(|expression| Query { place: self.place(), expression: as_sent(expression) }).collect()
    }
}

/// With the variables that Grafana would put in.
fn as_sent(expression: &str) -> String {
    expression.replace("$__rate_interval", "1m").replace("$provider", ".*")
}

pub(super) fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn list<'a>(json: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    json.get(key).and_then(Value::as_array).into_iter().flatten()
}
