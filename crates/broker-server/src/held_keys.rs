//! The key encryption keys that this process holds: one source for both purposes, or one for each.

use std::path::Path;
use std::sync::Arc;

use broker_crypto::{Entropy, KeyEncryption, KeyEncryptionByPurpose};

use crate::config::{Config, of_this_section};
use crate::key_source::{KeySource, KeyWatch};

/// Keys, and what keeps them as their sources are.
pub(crate) struct HeldKeys {
    pub(crate) encryption: Arc<dyn KeyEncryption>,
    pub(crate) watches: Vec<KeyWatch>,
}

impl HeldKeys {
    /// Reads what the configuration names.
    pub(crate) fn read(config: &Config, entropy: &Arc<dyn Entropy>) -> anyhow::Result<Self> {
        let open = |source: Result<KeySource, String>| {
            source.and_then(|source| KeyWatch::open(source, entropy.clone())).map_err(anyhow::Error::msg)
        };
        warn_if_exposed("[keys]", config.keys.exposed_file());
        let access = open(config.keys.source())?;
        let Some(rotation) = &config.keys.rotation else {
            return Ok(Self { encryption: access.ring(), watches: vec![access] });
        };
        warn_if_exposed("[keys.rotation]", rotation.exposed_file().as_deref());
        let rotation = open(rotation.source())
            .map_err(|error| anyhow::Error::msg(of_this_section(error.to_string())))?;
        let encryption = Arc::new(KeyEncryptionByPurpose::new(access.ring(), rotation.ring()));
        Ok(Self { encryption, watches: vec![access, rotation] })
    }
}

fn warn_if_exposed(section: &str, file: Option<&Path>) {
    if let Some(path) = file {
        tracing::warn!(
            "{section} kek_file {} is readable by others than its owner; chmod 600 it",
            path.display()
        );
    }
}
