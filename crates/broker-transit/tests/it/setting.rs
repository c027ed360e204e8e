//! A stand-in, a token file and a client.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use broker_crypto::{
    CryptoError, DekId, DekMaterial, KeyEncryption as _, KeyPurpose, OsEntropy, WrappingPlace,
};
use broker_egress::{Egress, EgressConfig};
use broker_transit::testing::{KEY, MOUNT, StandIn, TOKEN};
use broker_transit::{Address, Login, Transit};
use tempfile::TempDir;

use crate::clock::HandClock;

pub(crate) struct Setting {
    pub(crate) service: StandIn,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) transit: Arc<Transit>,
    directory: TempDir,
}

impl Setting {
    /// A client with the token in a file.
    pub(crate) async fn open() -> Self {
        let setting = Self::with(None, Login::TokenFile).await;
        setting.write_token(TOKEN);
        setting
    }

    pub(crate) async fn with(namespace: Option<&str>, login: impl FnOnce(PathBuf) -> Login) -> Self {
        let (service, clock) = (StandIn::start().await, Arc::new(HandClock::new()));
        let directory = tempfile::tempdir().unwrap();
        let address = Address::new(&service.url(), MOUNT, KEY, namespace).unwrap();
        let egress = Egress::new(EgressConfig::default()).unwrap();
        let login = login(directory.path().join("token"));
        let transit = Arc::new(Transit::new(address, login, egress, clock.clone()));
        Self { service, clock, transit, directory }
    }

    pub(crate) fn write_token(&self, token: &str) {
        fs::write(self.directory.path().join("token"), format!("{token}\n")).unwrap();
    }

    /// Wraps the data key whose bytes are all `byte`.
    pub(crate) async fn wrap(&self, byte: u8) -> Result<Vec<u8>, CryptoError> {
        self.transit.wrap(&DekMaterial::from_opened(&[byte; 32]).unwrap(), place("acme")).await
    }

    /// The first byte of an unwrapped key.
    pub(crate) async fn unwrap(&self, envelope: &[u8]) -> Result<u8, CryptoError> {
        Ok(self.transit.unwrap(envelope, place("acme")).await?.expose()[0])
    }
}

/// One data key of a tenant.
pub(crate) fn place(tenant: &str) -> WrappingPlace<'_> {
    WrappingPlace { tenant, dek: DekId::from_bytes(&[7; 16]).unwrap(), purpose: KeyPurpose::Access }
}

/// Why a service cannot be used.
pub(crate) fn unavailable<T: std::fmt::Debug>(outcome: Result<T, CryptoError>) -> String {
    match outcome.unwrap_err() {
        CryptoError::Unavailable(why) => why,
        other => panic!("{other}"),
    }
}

/// A data key at random, for those who look at none.
pub(crate) fn any_key() -> DekMaterial {
    DekMaterial::generate(&OsEntropy)
}
