//! `cargo xtask alerts`: rules, their scenarios and the panels of the dashboards, judged by Prometheus itself.

mod dashboards;
mod healthy;
mod playing;
mod prometheus;
mod rules;
#[cfg(test)]
mod tests;

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, ensure};

use crate::workspace::Workspace;
use healthy::Healthy;
use prometheus::Prometheus;

/// Where rules and their scenarios are, from the root.
const RULES: &str = "deploy/prometheus";

/// Fails with what Prometheus says.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    promtool(workspace, &["check", "config", "deploy/prometheus/prometheus.yaml"])?;
    let healthy = Healthy::read(workspace)?;
    let mut scenarios = scenarios(workspace)?;
    scenarios.push(write_healthy(workspace, &healthy)?);
    for scenario in scenarios {
        promtool(workspace, &["test", "rules", &scenario.to_string_lossy()])?;
    }
    show_panels(workspace, &healthy)?;
    Ok(ExitCode::SUCCESS)
}

fn promtool(workspace: &Workspace, words: &[&str]) -> Result<()> {
    let status = workspace.command("promtool").args(words).status().context("cannot start promtool")?;
    ensure!(status.success(), "promtool {}: see above", words.join(" "));
    Ok(())
}

fn scenarios(workspace: &Workspace) -> Result<Vec<PathBuf>> {
    let folder = workspace.root().join(RULES).join("tests");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let files = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<_> =
        files.into_iter().filter(|file| file.extension().is_some_and(|name| name == "yaml")).collect();
    files.sort();
    Ok(files)
}

/// The scenario in which no alert may fire, or be about to.
fn write_healthy(workspace: &Workspace, healthy: &Healthy) -> Result<PathBuf> {
    let file = scratch(workspace)?.join("healthy.yaml");
    let alerts = rules::alerts(workspace.root())?;
    fs::write(&file, healthy.scenario(&workspace.root().join(RULES), &alerts))?;
    Ok(file)
}

/// Each panel must show something of the healthy installation.
fn show_panels(workspace: &Workspace, healthy: &Healthy) -> Result<()> {
    let queries = dashboards::queries(workspace.root())?;
    let page = playing::play(healthy.clone())?;
    let prometheus = Prometheus::start(workspace, &scratch(workspace)?, page)?;
    for query in &queries {
        prometheus.answers(workspace, &query.expression).with_context(|| query.place.clone())?;
    }
    eprintln!("dashboards: {} queries answer", queries.len());
    Ok(())
}

fn scratch(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target_dir().join("alerts");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}
