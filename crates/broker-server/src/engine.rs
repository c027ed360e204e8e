//! What works behind the listeners, by role.

use std::sync::Arc;

use broker_core::{Api, Barred, Broker, Vendor};

/// A broker with everything, or the part of one that only vends.
#[derive(Clone)]
pub(crate) enum Engine {
    /// Rotates, whether it vends too or not.
    Broker(Arc<Broker>),
    /// Vends, and asks a rotator.
    Api(Arc<Api>),
}

impl Engine {
    /// What vends.
    pub(crate) fn vendor(&self) -> Arc<Vendor> {
        match self {
            Self::Broker(broker) => Arc::new(broker.vendor()),
            Self::Api(api) => api.vendor(),
        }
    }

    /// The broker, where there is one.
    pub(crate) fn broker(&self) -> Option<&Arc<Broker>> {
        match self {
            Self::Broker(broker) => Some(broker),
            Self::Api(_) => None,
        }
    }

    /// The part that only vends, where it stands alone.
    pub(crate) fn api(&self) -> Option<&Arc<Api>> {
        match self {
            Self::Broker(_) => None,
            Self::Api(api) => Some(api),
        }
    }

    /// Whether the store did not answer when it was last needed.
    pub(crate) fn store_is_away(&self) -> bool {
        match self {
            Self::Broker(broker) => broker.store_is_away(),
            Self::Api(api) => api.store_is_away(),
        }
    }

    /// Why nothing is rotated here that should be.
    pub(crate) fn barred(&self) -> Option<Barred> {
        self.broker().and_then(|broker| broker.barred())
    }

    /// Whether rotations are asked for elsewhere and nobody takes them.
    pub(crate) fn finds_no_rotator(&self) -> bool {
        self.api().is_some_and(|api| api.finds_no_rotator())
    }

    /// How many data keys are near the limit of what they may seal.
    pub(crate) fn worn_keys(&self) -> usize {
        self.broker().map_or(0, |broker| broker.worn_keys())
    }

    /// How many rotations and code exchanges are under way here.
    pub(crate) fn attempts_under_way(&self) -> usize {
        self.broker().map_or(0, |broker| broker.attempts_under_way())
    }

    /// Waits for every rotation under way.
    pub(crate) async fn drain(&self) {
        if let Self::Broker(broker) = self {
            broker.drain().await;
        }
    }

    /// Ends the membership of the fleet, where there is one.
    pub(crate) async fn leave(&self) {
        if let Self::Broker(broker) = self {
            broker.leave().await;
        }
    }
}
