//! A Prometheus of our own, for as long as this is held.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use super::RULES;
use crate::workspace::Workspace;

/// Rates need two scrapes, and what is recorded a round of evaluation; a busy machine needs more.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(250);

/// It scrapes and evaluates every second.
pub(super) struct Prometheus {
    server: Child,
    url: String,
}

impl Prometheus {
    /// Starts it on the project's rules, scraping `page`. What it writes goes below `scratch`.
    pub(super) fn start(workspace: &Workspace, scratch: &Path, page: SocketAddr) -> Result<Self> {
        let config = scratch.join("prometheus.yaml");
        fs::write(&config, configuration(&workspace.root().join(RULES), page))?;
        let data = scratch.join("data");
        let _old = fs::remove_dir_all(&data);
        let address = free_address()?;
        let server = workspace
            .command("prometheus")
            .arg(format!("--config.file={}", config.display()))
            .arg(format!("--storage.tsdb.path={}", data.display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--log.level=error")
            .spawn()
            .context("cannot start prometheus; run: .ci/install-tools promtool")?;
        Ok(Self { server, url: format!("http://{address}") })
    }

    /// Waits until the expression has an answer.
    pub(super) fn answers(&self, workspace: &Workspace, expression: &str) -> Result<()> {
        let began = Instant::now();
        loop {
            let said = match self.ask(workspace, expression)? {
                Said::Something => return Ok(()),
                Said::Nothing => "nothing".to_owned(),
                Said::Complaint(complaint) => complaint,
            };
            if began.elapsed() > PATIENCE {
                bail!("`{expression}` is answered: {said}");
            }
            thread::sleep(PAUSE);
        }
    }

    fn ask(&self, workspace: &Workspace, expression: &str) -> Result<Said> {
        let asked = workspace
            .command("promtool")
            .args(["query", "instant", "--format=json", &self.url, expression])
            .stdin(Stdio::null())
            .output()
            .context("cannot start promtool")?;
        if !asked.status.success() {
            return Ok(Said::Complaint(String::from_utf8_lossy(&asked.stderr).trim().to_owned()));
        }
        let answer = String::from_utf8_lossy(&asked.stdout);
        Ok(if matches!(answer.trim(), "[]" | "null" | "") { Said::Nothing } else { Said::Something })
    }
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

enum Said {
    Something,
    Nothing,
    Complaint(String),
}

fn configuration(rules: &Path, page: SocketAddr) -> String {
    let rules = rules.display();
    format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\n\
         rule_files: ['{rules}/recording.rules.yaml', '{rules}/alerts.rules.yaml']\n\
         scrape_configs: [{{ job_name: token-broker, static_configs: [{{ targets: ['{page}'] }}] }}]\n"
    )
}

/// Nobody listens there now; Prometheus does not tell which port it took.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind("127.0.0.1:0").context("no free port on a loopback address")?.local_addr()?)
}
