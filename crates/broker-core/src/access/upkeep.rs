//! Keeping the policies in memory as they are in the store.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::control::Access;
use crate::AccessPolicy;
use crate::error::chain;
use crate::ports::StoreError;

/// How often the store is asked whether a policy has changed. Within twice this every replica knows.
const EVERY: Duration = Duration::from_secs(1);

/// The same while it cannot be read: a store that is back is soon noticed.
const EVERY_WHILE_AWAY: Duration = Duration::from_millis(250);

const PAGE: u32 = 500;

/// What was read of the store so far.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The version of the policies in force; `None` before the first reading.
    version: Option<u64>,
    failed: bool,
}

impl Access {
    /// Puts in force what the store holds, if that has changed. If it cannot be read, what is in force stays so.
    pub async fn read_policies(&self) -> Result<(), StoreError> {
        let mut reading = self.reading.lock().await;
        // Read first: what changes during the rest is read again next time.
        let version = self.store.policies_version().await?;
        // Not `<`: a store put back has a lower one.
        if reading.version != Some(version) {
            let stored = self.stored_policies().await?;
            let rules = self.rules();
            self.put_in_force(self.policies().replaced_by(rules.configured.iter().cloned().chain(stored)));
            reading.version = Some(version);
            tracing::info!(
                version,
                policies = self.policies().policies().count(),
                "access policies in force"
            );
        }
        Ok(())
    }

    async fn stored_policies(&self) -> Result<Vec<AccessPolicy>, StoreError> {
        let mut policies: Vec<AccessPolicy> = Vec::new();
        loop {
            let after = policies.last().map(|policy| policy.id);
            let page = self.store.policies(after, PAGE).await?;
            let last = page.len() < PAGE as usize;
            policies.extend(page);
            if last {
                return Ok(policies);
            }
        }
    }

    /// Looks every second until `stop`, and more often while that fails.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut pause = EVERY;
        loop {
            let looking = async {
                self.clock.sleep_until(self.clock.now() + pause).await;
                self.look().await
            };
            pause = tokio::select! {
                () = stop.cancelled() => return,
                works = looking => if works { EVERY } else { EVERY_WHILE_AWAY },
            };
        }
    }

    /// Reads, and tells when that begins to fail and when it works again. `false`: it fails.
    pub async fn look(&self) -> bool {
        let read = self.read_policies().await;
        let works = read.is_ok();
        let failed_before = std::mem::replace(&mut self.reading.lock().await.failed, !works);
        match read {
            Err(error) if !failed_before => tracing::warn!(
                error = chain(&error),
                "the access policies cannot be read; those read last stay in force"
            ),
            Ok(()) if failed_before => tracing::info!("the access policies can be read again"),
            _ => {}
        }
        works
    }
}
