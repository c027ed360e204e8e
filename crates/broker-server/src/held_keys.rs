//! The key encryption keys of this process: one holder for both purposes, or one for each.

use std::sync::Arc;

use broker_crypto::{KeyEncryption, KeyEncryptionByPurpose, KeyPurpose};

use crate::config::{Config, of_this_section};
use crate::data_keys::Samples;
use crate::key_source::{KeyDoor, KeyWatch};
use crate::wiring::Surroundings;

/// Keys, and what keeps them as their sources are.
pub(crate) struct HeldKeys {
    pub(crate) encryption: Arc<dyn KeyEncryption>,
    pub(crate) watches: Vec<KeyWatch>,
    access: KeyPlace,
    /// Where the rotation keys have a holder of their own.
    rotation: Option<KeyPlace>,
}

/// Where keys are.
pub(crate) struct KeyPlace {
    /// For texts.
    pub(crate) place: String,
    /// How many data keys are opened at start.
    pub(crate) samples: Samples,
}

impl HeldKeys {
    /// Opens the doors that the configuration names.
    pub(crate) async fn open(config: &Config, around: &Surroundings) -> anyhow::Result<Self> {
        let access = config.keys.provider().map_err(anyhow::Error::msg)?;
        let access = KeyDoor::open(access, config, around).await?;
        let Some(rotation) = &config.keys.rotation else {
            let KeyDoor { encryption, watch, place } = access;
            return Ok(Self { encryption, watches: Vec::from_iter(watch), access: place, rotation: None });
        };
        let rotation = rotation.provider().map_err(anyhow::Error::msg)?;
        let rotation = KeyDoor::open(rotation, config, around).await;
        let rotation = rotation.map_err(|error| anyhow::Error::msg(of_this_section(format!("{error:#}"))))?;
        let encryption = Arc::new(KeyEncryptionByPurpose::new(access.encryption, rotation.encryption));
        let watches = access.watch.into_iter().chain(rotation.watch).collect();
        Ok(Self { encryption, watches, access: access.place, rotation: Some(rotation.place) })
    }

    /// Where the keys for that purpose are.
    pub(crate) fn place(&self, purpose: KeyPurpose) -> &KeyPlace {
        match (purpose, &self.rotation) {
            (KeyPurpose::Rotation, Some(rotation)) => rotation,
            _ => &self.access,
        }
    }
}
