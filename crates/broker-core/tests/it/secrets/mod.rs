//! The client secrets of a registration (rule 9): refused ones are followed by the next, and no grant is burnt.

mod crashes;
mod exchange;
mod resuming;
mod trying;

use std::sync::Arc;

use broker_core::ports::RegistrationKey;
use broker_core::testing::conformance::actor;
use broker_core::{AddSecret, ClientRegistration, Lifecycle, RegistrationId, SecretId};
use broker_crypto::ClientSecret;

use crate::world::{World, key, provider, tenant};

pub(crate) fn main() -> RegistrationKey {
    RegistrationKey { tenant: tenant(), provider: provider(), id: RegistrationId::new("main").unwrap() }
}

fn secret(number: u32) -> SecretId {
    SecretId::new(number).unwrap()
}

impl World {
    /// A world whose registration has the secrets `secret` and `second`, in this order.
    async fn with_two_secrets() -> Self {
        let world = Self::new().await;
        world.add("second", false).await;
        world.provider.shown();
        world
    }

    pub(crate) async fn add(&self, secret: &str, prefer: bool) -> SecretId {
        let client_secret = ClientSecret::new(secret);
        let add = AddSecret { key: main(), client_secret, prefer, request: None };
        self.broker.add_secret(add, &actor()).await.unwrap().1
    }

    async fn registration(&self) -> ClientRegistration {
        self.broker.registration(&main()).await.unwrap()
    }

    async fn order(&self) -> Vec<u32> {
        self.registration().await.secrets.iter().map(|secret| secret.id.get()).collect()
    }

    /// Refreshes ada's grant; whether it got a new generation.
    async fn refreshes(&self) -> bool {
        let broker = Arc::clone(&self.broker);
        let refreshed = broker.refresh_grant(&key(), None).await.is_ok();
        self.settled().await;
        refreshed
    }

    /// Nothing but the registration has suffered.
    async fn nothing_is_burnt(&self) {
        let grant = self.grant().await;
        assert_eq!((grant.lifecycle, grant.tainted), (Lifecycle::Active, false));
        assert_eq!(self.provider.dead_presented(), 0);
    }
}
