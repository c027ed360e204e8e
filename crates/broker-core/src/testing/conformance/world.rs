//! A store with one tenant, one registration and one replica in it.

use std::sync::Arc;

use broker_crypto::{Entropy, Sealed, SeededEntropy};

use super::samples::{HOUR, NOW, record, registration, registration_id, tenant, tenant_id};
use super::{Inbox, StoreUnderTest};
use crate::ports::{
    AccessStore, ConsentStore, CreateOutcome, DeletionStore, Epoch, EventStore, FleetStore, GrantStore,
    KeyStore, Ledger, MachineCredentialStore, Replica, RevocationStore, SchedulerStore, SealedStore,
    TenantStore, WebhookStore,
};
use crate::{
    Attempt, AttemptId, Authorization, AuthorizationId, AuthorizationStatus, EscrowId, Grant, GrantKey,
    IncarnationId, LineageId, PolicyId, ProviderName, RegistrationId,
};

/// The store of a case through its ports, and one replica that has joined. Its methods are short words for the steps
/// of the protocol; the cases themselves call the ports where those are what is tested.
pub struct World {
    pub grants: Arc<dyn GrantStore>,
    pub consents: Arc<dyn ConsentStore>,
    pub tenants: Arc<dyn TenantStore>,
    pub fleet: Arc<dyn FleetStore>,
    pub access: Arc<dyn AccessStore>,
    pub scheduler: Arc<dyn SchedulerStore>,
    pub revocations: Arc<dyn RevocationStore>,
    pub deletions: Arc<dyn DeletionStore>,
    pub keys: Arc<dyn KeyStore>,
    pub sealed: Arc<dyn SealedStore>,
    pub ledger: Arc<dyn Ledger>,
    pub events: Arc<dyn EventStore>,
    pub machine_credentials: Arc<dyn MachineCredentialStore>,
    pub webhooks: Arc<dyn WebhookStore>,
    pub inbox: Arc<dyn Inbox>,
    /// This replica's run.
    pub owner: IncarnationId,
    /// The store's epoch when it joined.
    pub epoch: Epoch,
    entropy: SeededEntropy,
}

impl World {
    /// The world of a fresh store.
    pub async fn of<S: StoreUnderTest>(store: &S) -> Self {
        let world = Self::run(store, 7).await;
        world.add_tenant("acme").await;
        world
    }

    /// The run of another replica on a store that was used before. Each run needs a number of its own.
    pub async fn run<S: StoreUnderTest>(store: &S, number: u64) -> Self {
        let entropy = SeededEntropy::new(number);
        let mut world = Self {
            grants: store.grants(),
            consents: store.consents(),
            tenants: store.tenants(),
            fleet: store.fleet(),
            access: store.access(),
            scheduler: store.scheduler(),
            revocations: store.revocations(),
            deletions: store.deletions(),
            keys: store.keys(),
            sealed: store.sealed(),
            ledger: store.ledger(),
            events: store.events(),
            machine_credentials: store.machine_credentials(),
            webhooks: store.webhooks(),
            inbox: store.inbox(),
            owner: IncarnationId::generate(NOW, &entropy),
            epoch: Epoch(0),
            entropy,
        };
        let own =
            Replica { incarnation: world.owner, escrow: world.escrow_id(), started_at: NOW, rejoins: false };
        world.epoch = world.fleet.join(&own, NOW).await.unwrap().epoch;
        world
    }

    /// A tenant with a registration at the usual provider.
    pub async fn add_tenant(&self, name: &str) {
        let created = self.tenants.create_tenant(&tenant(name), None, &record()).await.unwrap();
        assert_eq!(created, CreateOutcome::Created);
        let registration = registration(name, "main", NOW);
        let created = self.tenants.create_registration(&registration, None, &record()).await.unwrap();
        assert_eq!(created, CreateOutcome::Created);
    }

    /// Registers a tenant's usual registration at another provider too.
    pub(super) async fn register_at(&self, tenant: &str, provider: &ProviderName) {
        let elsewhere =
            crate::ClientRegistration { provider: provider.clone(), ..registration(tenant, "main", NOW) };
        let created = self.tenants.create_registration(&elsewhere, None, &record()).await.unwrap();
        assert_eq!(created, CreateOutcome::Created);
    }

    pub(super) fn entropy(&self) -> &SeededEntropy {
        &self.entropy
    }

    pub fn attempt_id(&self) -> AttemptId {
        AttemptId::generate(NOW, &self.entropy)
    }

    pub(super) fn escrow_id(&self) -> EscrowId {
        EscrowId::generate(NOW, &self.entropy)
    }

    pub(super) fn policy_id(&self) -> PolicyId {
        PolicyId::generate(NOW, &self.entropy)
    }

    pub(super) fn incarnation(&self) -> IncarnationId {
        IncarnationId::generate(NOW, &self.entropy)
    }

    /// An authorization request for `key`, not kept yet.
    pub(super) fn request(&self, key: &GrantKey, registration: RegistrationId) -> Authorization {
        let mut state_digest = [0; 32];
        self.entropy.fill(&mut state_digest);
        Authorization {
            id: AuthorizationId::generate(NOW, &self.entropy),
            key: key.clone(),
            registration,
            lineage: LineageId::generate(NOW, &self.entropy),
            redirect_uri: "https://broker.example/callback".to_owned(),
            scopes: vec!["cameras:read".to_owned()],
            state_digest,
            verifier: Sealed::from_bytes(b"sealed verifier".to_vec()),
            hosted: None,
            status: AuthorizationStatus::Pending,
            created_at: NOW,
            expires_at: NOW + HOUR,
            allow_account_change: false,
            import: None,
        }
    }

    /// A pending authorization for `key`.
    pub(super) async fn authorization(&self, key: &GrantKey) -> Authorization {
        let authorization = self.request(key, registration_id());
        self.consents.start_authorization(&authorization, &record()).await.unwrap();
        authorization
    }

    /// How an authorization of the usual tenant stands.
    pub(super) async fn status_of(&self, authorization: AuthorizationId) -> AuthorizationStatus {
        let kept = self.consents.authorization(&tenant_id("acme"), authorization).await.unwrap();
        kept.unwrap().status
    }

    /// A grant that is there.
    pub async fn read(&self, key: &GrantKey) -> Grant {
        self.grants.vendable(key).await.unwrap().unwrap().grant
    }

    /// An attempt as it is kept.
    pub(super) async fn kept(&self, attempt: &Attempt) -> Attempt {
        self.grants.attempt(&attempt.key.tenant, attempt.id).await.unwrap().unwrap()
    }
}
