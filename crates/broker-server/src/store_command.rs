//! `token-broker store adopt` and `token-broker escrow inspect`: for the day after a disaster.

use std::path::Path;

use anyhow::Context;
use broker_core::{Actor, AuditAction, Clock, InstallationId};
use broker_crypto::OsEntropy;

use crate::cli::print;
use crate::config::Config;
use crate::role::Role;
use crate::store::Store;
use crate::{SystemClock, telemetry};

/// Gives the store a new installation id (rule 16 of docs/rotation.md).
pub(crate) async fn adopt(config: Config) -> anyhow::Result<()> {
    telemetry::init(&config.log, None)?;
    // The least that can: a rotator's login does, and that of everything too.
    let store = Store::open(&config, Role::Rotator).await?;
    let now = SystemClock.now();
    let installation = InstallationId::generate(now, &OsEntropy);
    let record = Actor::broker(AuditAction::ADOPT_INSTALLATION).did(None, now);
    let record = record.resource(format!("installations/{installation}"));
    let adopted = store.fleet().adopt_installation(installation, now, &record).await;
    store.close().await;
    adopted.context("the store could not be adopted")?;
    print(&format!(
        "{installation}\n\nThis store is now the only copy. Set it as [store] installation_id, so that no clone of it is rotated.\n"
    ))
}

/// One line for each record.
pub(crate) fn inspect_escrow(directory: &Path) -> anyhow::Result<String> {
    let found = broker_escrow::inspect(directory).context("the journal cannot be read")?;
    let mut text = String::new();
    for head in &found.records {
        let attempt = &head.attempt;
        text += &format!(
            "attempt {} grant {} tenant {} provider {} generation {} presentation {} status {} received {} bytes {}\n",
            attempt.id,
            attempt.grant_id(),
            attempt.key.tenant,
            attempt.key.provider,
            attempt.generation.get(),
            attempt.presentation_no,
            head.status,
            head.received_at,
            head.length,
        );
    }
    text += &format!("{} records, {} damaged\n", found.records.len(), found.damaged);
    Ok(text)
}
