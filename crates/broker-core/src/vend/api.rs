//! A process that vends and nothing else: it holds no refresh token, no key that opens one, and no way to a provider.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use broker_crypto::{KeyEncryption, KeyPurpose};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{AskingParts, Elsewhere, GrantCache, MintElsewhere, NewsDesk, Vendor};
use crate::deletion::forget_destroyed;
use crate::error::chain;
use crate::keys::{KeyNews, TenantKeyCache};
use crate::ports::{
    DeletionStore, GrantStore, KeyStore, MachineCredentialStore, RevocationStore, RotationRequests,
    StoreError, TenantStore, TraceContext, Wakeups,
};
use crate::revocation::{forget_revoked, keep_forgetting};
use crate::rotation::Flights;
use crate::scheduler::Noted;
use crate::{BrokerError, Clock, ProviderName, ProviderProfile, Timestamp, Timing};

/// What a process that only vends is made of.
pub struct ApiCollaborators {
    /// Grants, of which only access tokens are read.
    pub grants: Arc<dyn GrantStore>,
    /// Tenants and their wrapped keys.
    pub tenants: Arc<dyn TenantStore>,
    /// Tells of keys that were made or retired.
    pub key_store: Arc<dyn KeyStore>,
    /// Tells of grants that were revoked.
    pub revocations: Arc<dyn RevocationStore>,
    /// Tells of tenants whose keys were destroyed.
    pub deletions: Arc<dyn DeletionStore>,
    /// Credentials of machines.
    pub machine_credentials: Arc<dyn MachineCredentialStore>,
    /// Whoever rotates.
    pub requests: Arc<dyn RotationRequests>,
    /// Carries news to and from other processes.
    pub wakeups: Arc<dyn Wakeups>,
    /// Ties what happens here to what happens elsewhere.
    pub traces: Arc<dyn TraceContext>,
    /// Whoever holds the key encryption keys of access tokens.
    pub key_encryption: Arc<dyn KeyEncryption>,
    /// How the configured providers treat tokens and grants.
    pub profiles: Vec<(ProviderName, ProviderProfile)>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// The times of the protocol.
    pub timing: Timing,
    /// How many grants to keep ready for vending, sealed, in memory.
    pub cached_grants: usize,
}

/// Vends, and asks a rotator for what it cannot do.
pub struct Api {
    vendor: Arc<Vendor>,
    elsewhere: Elsewhere,
    key_store: Arc<dyn KeyStore>,
    revocations: Arc<dyn RevocationStore>,
    deletions: Arc<dyn DeletionStore>,
    wakeups: Arc<dyn Wakeups>,
    key_news: KeyNews,
    store_answers: AtomicBool,
}

impl Api {
    /// Puts the collaborators together.
    pub fn new(with: ApiCollaborators) -> Arc<Self> {
        let (news, cache) = (Arc::<NewsDesk>::default(), Arc::new(GrantCache::new(with.cached_grants)));
        let elsewhere = Elsewhere::new(AskingParts {
            requests: with.requests,
            wakeups: with.wakeups.clone(),
            news: news.clone(),
            cache: cache.clone(),
            clock: with.clock.clone(),
            timing: with.timing.clone(),
            traces: with.traces.clone(),
        });
        let (clock, key_store) = (with.clock.clone(), with.key_store.clone());
        let keys = TenantKeyCache::new(with.key_encryption, with.tenants, key_store, clock)
            .only_for(KeyPurpose::Access);
        let minter = MintElsewhere {
            store: with.machine_credentials.clone(),
            clock: with.clock.clone(),
            timing: with.timing.clone(),
            flights: Flights::new(with.traces.clone()),
            tasks: TaskTracker::new(),
        };
        let vendor = Vendor {
            grants: with.grants,
            keys: Arc::new(keys),
            cache,
            news,
            noted: Arc::new(Noted::new(with.timing.warm_for)),
            rejections: Arc::default(),
            profiles: Arc::new(with.profiles.into_iter().collect()),
            refresher: Box::new(elsewhere.clone()),
            minter: Box::new(minter),
            clock: with.clock,
            machine_credentials: with.machine_credentials,
            timing: with.timing,
        };
        Arc::new(Self {
            vendor: Arc::new(vendor),
            elsewhere,
            key_store: with.key_store,
            revocations: with.revocations,
            deletions: with.deletions,
            wakeups: with.wakeups,
            key_news: KeyNews::default(),
            store_answers: AtomicBool::new(true),
        })
    }

    /// What vends.
    pub fn vendor(&self) -> Arc<Vendor> {
        self.vendor.clone()
    }

    /// Whether the store did not answer when it was last needed.
    pub fn store_is_away(&self) -> bool {
        !self.store_answers.load(Ordering::Relaxed)
    }

    /// Whether no rotator took what was last asked for.
    pub fn finds_no_rotator(&self) -> bool {
        self.elsewhere.finds_no_rotator()
    }

    /// How many rotations are waited for.
    pub fn rotations_awaited(&self) -> usize {
        self.elsewhere.waiting()
    }

    /// Listens to other processes, looks at what the store tells of them, and writes down which grants were asked for,
    /// until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let vendor = &self.vendor;
        tokio::join!(
            vendor.news.listen(self.wakeups.as_ref(), &vendor.cache, vendor.clock.as_ref(), &stop),
            vendor.look_for_missed(&stop),
            keep_forgetting(self.revocations.as_ref(), &vendor.cache, vendor.clock.as_ref(), &stop),
            vendor.noted.run(vendor.grants.as_ref(), vendor.clock.as_ref(), &stop),
            self.look_again_and_again(&stop),
        );
    }

    async fn look_again_and_again(&self, stop: &CancellationToken) {
        let clock = &self.vendor.clock;
        while !stop.is_cancelled() {
            self.look().await;
            let next = clock.now() + self.vendor.timing.heartbeat;
            stop.run_until_cancelled(clock.sleep_until(next)).await;
        }
    }

    /// Looks once at what the store tells of other processes.
    pub async fn look(&self) {
        let looked = self.try_look().await;
        let away = matches!(&looked, Err(BrokerError::BackendUnavailable(_)));
        self.store_answers.store(!away, Ordering::Relaxed);
        if let Err(error) = looked {
            tracing::warn!(error = chain(&error), "what other processes did could not be read");
        }
    }

    async fn try_look(&self) -> Result<(), BrokerError> {
        let (vendor, now) = (&self.vendor, self.vendor.clock.now());
        if !self.wakeups.is_shared() {
            // Nobody tells this process what rotators adopt.
            vendor.cache.doubt_all();
        }
        self.forget(now).await?;
        self.key_news.hear(self.key_store.as_ref(), &vendor.keys, now).await
    }

    async fn forget(&self, now: Timestamp) -> Result<(), StoreError> {
        forget_revoked(self.revocations.as_ref(), &self.vendor.cache, now).await?;
        forget_destroyed(self.deletions.as_ref(), &self.vendor.keys, now).await
    }
}
