//! The configuration file, read again while the broker runs: what can be changed safely is, the rest is named.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use broker_core::Access;
use broker_core::ports::ProviderBudget;
use broker_crypto::sha256;
use tokio::signal::unix::Signal;

use crate::config::{ConfigError, Loaded, differences, read_as};
use crate::panics::why_ended;
use crate::role::Role;
use crate::telemetry;

/// How often the file is looked at. A volume that changes it by a link is seen too, as its content is compared.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What of a running broker may be changed.
pub(crate) struct Reloadable {
    pub(crate) access: Arc<Access>,
    pub(crate) budget: Arc<dyn ProviderBudget>,
}

/// Keeps a running broker as its file says.
pub(crate) struct Reloader {
    path: PathBuf,
    role: Role,
    parts: Reloadable,
    /// What is in force, with what waits for a restart.
    current: Loaded,
    /// Of the file when it was looked at last.
    seen: Option<[u8; 32]>,
}

impl Reloader {
    /// `current` was read of that file.
    pub(crate) fn new(path: PathBuf, role: Role, parts: Reloadable, current: Loaded) -> Self {
        Self { path, role, parts, current, seen: None }
    }

    /// Looks again and again, and at once on SIGHUP. Never ends.
    pub(crate) async fn run(mut self, mut hangups: Signal) -> Infallible {
        self.seen = digest(self.path.clone()).await;
        loop {
            let asked = tokio::select! {
                _ = hangups.recv() => true,
                () = tokio::time::sleep(LOOK_EVERY) => false,
            };
            let found = digest(self.path.clone()).await;
            if asked || found != self.seen {
                self.seen = found;
                self.look().await;
            }
        }
    }

    async fn look(&mut self) {
        match self.read().await {
            Ok(loaded) => self.take_over(loaded).await,
            Err(problem) => tracing::error!(
                problem,
                "the changed configuration cannot be used; what was read before stays in force"
            ),
        }
    }

    /// Certificates and keys are read to be checked, so it is done where it may block.
    async fn read(&self) -> Result<Loaded, String> {
        let (path, role) = (self.path.clone(), self.role);
        let reading = tokio::task::spawn_blocking(move || read_as(Some(&path), role));
        let told = |error: ConfigError| complaint(&error);
        reading.await.map_err(|error| why_ended(&error))?.map_err(told)
    }

    async fn take_over(&mut self, loaded: Loaded) {
        let changes = differences(&self.current.values, &loaded.values);
        let (now, later): (Vec<_>, Vec<_>) = changes.into_iter().partition(|key| can_change(key));
        if let Err(problem) = self.apply(&loaded).await {
            tracing::error!(problem, "the changed configuration cannot be used");
            return;
        }
        if later.is_empty() {
            tracing::info!(changed = now.join(", "), "the configuration was read again and is in force");
        } else {
            tracing::warn!(
                changed = now.join(", "),
                needs_restart = later.join(", "),
                "the configuration was read again; some of what has changed is in force after a restart only"
            );
        }
        self.current.values = self.current.with(&loaded, &now);
    }

    async fn apply(&self, loaded: &Loaded) -> Result<(), String> {
        let access = loaded.config.access_settings().map_err(|problems| problems.join("; "))?;
        let budgets = loaded.config.budgets()?;
        self.parts.access.configure(access).await;
        self.parts.budget.set_limits(budgets);
        telemetry::set_level(loaded.config.log.level);
        Ok(())
    }
}

/// The keys that are in force once they are read.
fn can_change(key: &str) -> bool {
    const KEYS: [&str; 4] =
        ["access.policy", "access.mode", "access.tenant_requests_per_second", "log.level"];
    let of_budget = key.strip_prefix("providers.").and_then(|rest| rest.rsplit_once('.'));
    KEYS.contains(&key) || of_budget.is_some_and(|(_, key)| key == "requests_per_second" || key == "burst")
}

fn complaint(error: &ConfigError) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

/// `None`: it cannot be read.
async fn digest(path: PathBuf) -> Option<[u8; 32]> {
    let read = |path: &Path| std::fs::read(path).ok().map(|content| sha256(&content));
    tokio::task::spawn_blocking(move || read(&path)).await.ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_budgets_and_the_level_of_the_log_change_and_nothing_else() {
        for key in ["access.policy", "access.mode", "providers.my-idp.burst", "log.level"] {
            assert!(can_change(key), "{key}");
        }
        for key in ["listen.grpc", "log.format", "providers.evercam.token_url", "access.quota", "burst"] {
            assert!(!can_change(key), "{key}");
        }
    }
}
