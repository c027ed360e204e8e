//! A process that only vends: no journal, no way to a provider, no key that opens refresh tokens.

use std::sync::Arc;

use anyhow::{Context, anyhow};
use broker_core::{Api, ApiCollaborators, ProviderName, ProviderProfile};
use broker_crypto::KeyEncryption;

use super::{Surroundings, join};
use crate::config::Config;
use crate::coordination::Coordination;
use crate::engine::Engine;
use crate::store::Store;
use crate::{limits, rotation_walls};

/// Puts it together, once it is proven that the keys held here open no refresh token.
pub(super) async fn build(
    config: &Config,
    store: &Store,
    coordination: &Coordination,
    key_encryption: Arc<dyn KeyEncryption>,
    place: &str,
    around: &Surroundings,
) -> anyhow::Result<Engine> {
    rotation_walls::check(store, key_encryption.as_ref(), place).await?;
    let requests =
        store.rotation_requests().context("--role api needs a Postgres database in [store] url")?;
    Ok(Engine::Api(Api::new(ApiCollaborators {
        grants: store.grants(),
        tenants: store.tenants(),
        key_store: store.keys(),
        revocations: store.revocations(),
        deletions: store.deletions(),
        machine_credentials: store.machine_credentials(),
        requests,
        wakeups: coordination.wakeups.clone(),
        key_encryption,
        profiles: profiles(config)?,
        traces: around.telemetry.traces(),
        clock: around.clock.clone(),
        timing: config.rotation.timing(),
        cached_grants: limits::cached_grants(config),
    })))
}

fn profiles(config: &Config) -> anyhow::Result<Vec<(ProviderName, ProviderProfile)>> {
    let mut profiles = Vec::new();
    for (name, provider) in &config.providers {
        let definition = provider.definition();
        definition.validate().map_err(|problems| anyhow!("[providers.{name}] {}", join(&problems)))?;
        profiles.push((ProviderName::new(name.as_str())?, definition.profile));
    }
    Ok(profiles)
}
