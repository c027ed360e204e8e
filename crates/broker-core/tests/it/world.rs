//! One tenant, one provider, one broker.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{
    FleetStore as _, InProcessBudget, InProcessLeases, InProcessWakeups, NoTraces, ProviderClient as _,
};
use broker_core::testing::conformance::{actor, record};
use broker_core::testing::{ManualClock, MemoryRequests};
use broker_core::{
    AccountLabel, Api, ApiCollaborators, Authorization, AuthorizationId, Broker, BrokerError, Clock as _,
    Collaborators, CompleteRequest, ConsentReplaces, Grant, GrantKey, InstallationId, NewRegistration,
    Permit, ProviderName, ProviderProfile, RegistrationId, ReusePolicy, RevocationReach, RevokedTokens,
    RotationMode, StartRequest, Started, TenantId, Timing, UserId, VendRequest, Vended,
};
use broker_crypto::{
    CallbackUrl, ClientSecret, Entropy, KekId, KeyEncryptionKey, KeyRing, OsEntropy, SeededEntropy,
};
use broker_sqlite::{SqliteLocation, SqliteStore};
use tokio::task::JoinHandle;

use crate::fakes::{Answer, FakeEscrow, FakeProvider, Log, START};
use crate::flaky_store::FlakyStore;
use crate::nonces::Nonces;
use crate::receiver::FakeReceiver;

pub(crate) struct World {
    pub(crate) broker: Arc<Broker>,
    pub(crate) provider: Arc<FakeProvider>,
    pub(crate) escrow: Arc<FakeEscrow>,
    pub(crate) receiver: Arc<FakeReceiver>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) flaky: Arc<FlakyStore>,
    store: Arc<SqliteStore>,
    pub(crate) log: Log,
    material: String,
    runs: u64,
    /// Of all runs.
    pub(crate) nonces: Nonces,
}

pub(crate) fn profile() -> ProviderProfile {
    ProviderProfile {
        rotation: RotationMode::SingleUse(ReusePolicy::Unknown),
        old_access_token_dies_on_refresh: false,
        access_token_lifetime: Duration::from_secs(900),
        refresh_token_timeout: None,
        authorization_expires_in: None,
        default_scopes: vec![],
        revocation: Some(RevokedTokens::RefreshToken),
        revocation_reaches: RevocationReach::Token,
        consent_replaces: ConsentReplaces::Unknown,
        callback_issuer: None,
        api_key_headers: None,
        client_credentials: true,
    }
}

pub(crate) fn key() -> GrantKey {
    key_of("ada")
}

pub(crate) fn key_of(user: &str) -> GrantKey {
    GrantKey {
        tenant: tenant(),
        provider: provider(),
        user: UserId::new(user).unwrap(),
        account: AccountLabel::default_label(),
    }
}

/// A registration of the tenant, with a secret.
pub(crate) fn new_registration(id: &str) -> NewRegistration {
    NewRegistration {
        tenant: tenant(),
        provider: provider(),
        id: RegistrationId::new(id).unwrap(),
        client_id: "client".into(),
        client_secret: Some(ClientSecret::new("secret")),
        redirect_uri: "https://app.example/cb".into(),
        scopes: vec!["read".into()],
        return_to: Default::default(),
        grant_window: None,
        allow_device_authorization: true,
    }
}

pub(crate) fn tenant() -> TenantId {
    TenantId::new("acme").unwrap()
}

pub(crate) fn provider() -> ProviderName {
    ProviderName::new("p").unwrap()
}

impl World {
    /// A tenant with a registration, and no grant.
    pub(crate) async fn empty(profile: ProviderProfile) -> Self {
        Self::empty_of(profile, 0).await
    }

    /// Another broker, with other keys and ids.
    pub(crate) async fn of(seed: u64) -> Self {
        let world = Self::empty_of(profile(), seed * 1000).await;
        world.consent().await.unwrap();
        world
    }

    async fn empty_of(profile: ProviderProfile, run: u64) -> Self {
        let log = Log::default();
        let clock = Arc::new(ManualClock::new(START));
        let entropy = SeededEntropy::new(99);
        let material = KeyEncryptionKey::generate_material(&KekId::new("k").unwrap(), &entropy).to_string();
        let provider_client = Arc::new(FakeProvider::new(profile, log.clone(), clock.clone()));
        let escrow = Arc::new(FakeEscrow::new(log.clone()));
        let store = Arc::new(SqliteStore::open(SqliteLocation::Memory).await.unwrap());
        let flaky = Arc::new(FlakyStore::new(store.clone()));
        let nonces = Nonces::default();
        let entropy = nonces.counted(run);
        let receiver = Arc::new(FakeReceiver::default());
        let doors = Doors {
            store: &store,
            flaky: &flaky,
            provider: &provider_client,
            escrow: &escrow,
            receiver: &receiver,
            clock: &clock,
        };
        let broker = doors.broker(&material, entropy);
        broker.recover().await.unwrap();
        broker.create_tenant(tenant(), "Acme".into(), None, &actor()).await.unwrap();
        let world = Self {
            broker,
            provider: provider_client,
            escrow,
            receiver,
            clock,
            flaky,
            store,
            log,
            material,
            runs: run,
            nonces,
        };
        world.register("main").await;
        world
    }

    pub(crate) async fn register(&self, id: &str) {
        self.broker.create_registration(new_registration(id), None, &actor()).await.unwrap();
    }

    /// The same, and ada has consented.
    pub(crate) async fn with(profile: ProviderProfile) -> Self {
        let world = Self::empty(profile).await;
        world.consent().await.unwrap();
        world.log.taken();
        world
    }

    pub(crate) async fn new() -> Self {
        Self::with(profile()).await
    }

    /// The process dies where it stands; the next run finds the same store and escrow.
    pub(crate) fn restart(&mut self) {
        self.runs += 1;
        self.escrow.reopen();
        let doors = Doors {
            store: &self.store,
            flaky: &self.flaky,
            provider: &self.provider,
            escrow: &self.escrow,
            receiver: &self.receiver,
            clock: &self.clock,
        };
        self.broker = doors.broker(&self.material, self.nonces.counted(self.runs));
    }

    /// Another replica on the same store, with a journal of its own. The one before lives on.
    pub(crate) fn join_as(&mut self, replica: u8) -> Arc<Broker> {
        self.escrow = Arc::new(FakeEscrow::of(replica, self.log.clone()));
        self.restart();
        self.broker.clone()
    }

    /// The same, and it has heard the one before.
    pub(crate) async fn join_beside(&mut self, replica: u8) {
        let before = self.broker.clone();
        self.join_as(replica).recover().await.unwrap();
        before.beat().await;
        self.broker.beat().await;
        assert_eq!(self.broker.barred(), None);
    }

    /// The store loses its replicas, as a failover loses those who joined last.
    pub(crate) async fn lose_replicas(&self) {
        self.declare_the_only_copy().await;
        self.store.forget_replicas(self.clock.now() + Duration::from_secs(1)).await.unwrap();
    }

    /// An operator says that this store is the only copy.
    pub(crate) async fn declare_the_only_copy(&self) {
        let id = InstallationId::from_bytes([9; 16]);
        self.store.adopt_installation(id, self.clock.now(), &record()).await.unwrap();
    }

    /// A process of its own that vends from the same store, and asks for rotations.
    pub(crate) fn api(&self, requests: Arc<MemoryRequests>) -> Arc<Api> {
        Api::new(ApiCollaborators {
            grants: self.flaky.clone(),
            tenants: self.store.clone(),
            key_store: self.store.clone(),
            revocations: self.store.clone(),
            deletions: self.store.clone(),
            machine_credentials: self.store.clone(),
            requests,
            wakeups: Arc::new(InProcessWakeups::default()),
            traces: Arc::new(NoTraces),
            key_encryption: Arc::new(KeyRing::parse(&self.material, Arc::new(OsEntropy)).unwrap()),
            profiles: vec![(provider(), self.provider.profile().clone())],
            clock: self.clock.clone(),
            timing: Timing::default(),
            cached_grants: 100,
        })
    }

    /// A new key encryption key comes first; the next run of the process wraps with it.
    pub(crate) fn add_kek(&mut self, kid: &str) {
        let new = KeyEncryptionKey::generate_material(&KekId::new(kid).unwrap(), &SeededEntropy::new(98));
        self.material = format!("{}\n{}", *new, self.material);
    }

    /// The old ones are gone from where the keys are kept.
    pub(crate) fn keep_newest_kek_only(&mut self) {
        self.material = self.material.lines().next().unwrap().to_owned();
    }

    /// Works on a rotation of keys, while time passes, until nothing is left to do.
    pub(crate) async fn work_on_key_rotation(&self) -> bool {
        let broker = self.broker.clone();
        self.outwait(tokio::spawn(async move { broker.work_on_key_rotation().await })).await
    }

    pub(crate) async fn start(&self) -> Started {
        self.start_for(&key()).await
    }

    async fn start_for(&self, key: &GrantKey) -> Started {
        let key = key.clone();
        let request = StartRequest {
            key,
            registration: None,
            scopes: vec![],
            login_hint: None,
            allow_account_change: false,
            hosting: Default::default(),
            permit: Permit::unlimited(),
        };
        self.broker.start_authorization(&request, &actor()).await.unwrap()
    }

    /// The store, behind the broker's back.
    pub(crate) fn store(&self) -> &SqliteStore {
        &self.store
    }

    /// Another user consents.
    pub(crate) async fn consent_of(&self, key: &GrantKey) {
        let started = self.start_for(key).await;
        let callback = CompleteRequest { user: key.user.clone(), ..self.callback(&started) };
        self.broker.complete_authorization(&callback, &actor()).await.unwrap();
    }

    pub(crate) fn callback(&self, started: &Started) -> CompleteRequest {
        let state = started.url.split("state=").nth(1).unwrap().split('&').next().unwrap();
        CompleteRequest {
            tenant: tenant(),
            user: key().user,
            callback_url: CallbackUrl::new(format!(
                "https://app.example/cb?code=c-{}&state={state}",
                started.id
            )),
            wait: None,
            permit: Permit::unlimited(),
        }
    }

    /// The callback of a user who does not consent.
    pub(crate) fn refusal(&self, started: &Started) -> CompleteRequest {
        let mut callback = self.callback(started);
        callback.callback_url =
            CallbackUrl::new(callback.callback_url.expose().replace("code=", "error=access_denied&x="));
        callback
    }

    pub(crate) async fn authorization(&self, id: AuthorizationId) -> Authorization {
        self.broker.authorization(&tenant(), id, &Permit::unlimited()).await.unwrap()
    }

    /// A consent whose answer waits until the provider is released.
    pub(crate) async fn consent_under_way(&self) -> JoinHandle<Result<Grant, BrokerError>> {
        self.provider.next([Answer::RotateWhenReleased]);
        let started = self.start().await;
        let (broker, callback) = (self.broker.clone(), self.callback(&started));
        let consenting =
            tokio::spawn(async move { broker.complete_authorization(&callback, &actor()).await });
        self.provider.reached().await;
        consenting
    }

    /// Lets time pass until a caller has waited long enough.
    pub(crate) async fn outwait<T>(&self, call: JoinHandle<T>) -> T {
        while !call.is_finished() {
            self.pass(1);
            tokio::task::yield_now().await;
        }
        call.await.unwrap()
    }

    pub(crate) async fn consent(&self) -> Result<Grant, BrokerError> {
        let started = self.start().await;
        self.broker.complete_authorization(&self.callback(&started), &actor()).await
    }

    /// Somebody else than ada consents.
    pub(crate) async fn consent_as(&self, user: &str) -> Result<Grant, BrokerError> {
        let started = self.broker.start_authorization(&start_request(user), &actor()).await?;
        let callback = CompleteRequest { user: key_of(user).user, ..self.callback(&started) };
        self.broker.complete_authorization(&callback, &actor()).await
    }

    pub(crate) async fn grant(&self) -> Grant {
        self.broker.grant(&key()).await.unwrap()
    }

    pub(crate) async fn vend(&self) -> Result<Vended, BrokerError> {
        self.broker.vend(&request()).await
    }

    /// Vends without waiting for a rotation.
    pub(crate) async fn vend_at_once(&self) -> Result<Vended, BrokerError> {
        self.broker.vend(&VendRequest { wait: Some(Duration::ZERO), ..request() }).await
    }

    /// Waits until this run has no rotation under way.
    pub(crate) async fn settled(&self) {
        while self.broker.attempts_under_way() > 0 {
            tokio::task::yield_now().await;
        }
    }

    /// The same, while time passes.
    pub(crate) async fn settled_in_time(&self) {
        while self.broker.attempts_under_way() > 0 {
            self.pass(1);
            tokio::task::yield_now().await;
        }
    }

    /// The vended token's text.
    pub(crate) async fn token(&self) -> String {
        self.vend().await.unwrap().access_token.expose().to_owned()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

pub(crate) fn start_request(user: &str) -> StartRequest {
    StartRequest {
        key: key_of(user),
        registration: None,
        scopes: vec![],
        login_hint: None,
        allow_account_change: false,
        hosting: Default::default(),
        permit: Permit::unlimited(),
    }
}

pub(crate) fn request() -> VendRequest {
    VendRequest {
        key: key(),
        min_validity: Duration::from_secs(60),
        required_scopes: vec![],
        wait: None,
        permit: Permit::unlimited(),
    }
}

/// What a broker of these tests stands between.
struct Doors<'a> {
    store: &'a Arc<SqliteStore>,
    flaky: &'a Arc<FlakyStore>,
    provider: &'a Arc<FakeProvider>,
    escrow: &'a Arc<FakeEscrow>,
    receiver: &'a Arc<FakeReceiver>,
    clock: &'a Arc<ManualClock>,
}

impl Doors<'_> {
    fn broker(self, material: &str, entropy: Arc<dyn Entropy>) -> Arc<Broker> {
        let Self { store, flaky, provider: client, escrow, receiver, clock } = self;
        Broker::new(Collaborators {
            grants: flaky.clone(),
            consents: store.clone(),
            tenants: store.clone(),
            fleet: store.clone(),
            installation: None,
            leases: Arc::new(InProcessLeases::new(clock.clone())),
            wakeups: Arc::new(InProcessWakeups::default()),
            budget: Arc::new(InProcessBudget::new(clock.clone(), HashMap::new())),
            escrow: escrow.clone(),
            providers: HashMap::from([(provider(), client.clone() as _)]),
            key_encryption: Arc::new(KeyRing::parse(material, Arc::new(OsEntropy)).unwrap()),
            clock: clock.clone(),
            entropy,
            timing: Timing::default(),
            cached_grants: 100,
            scheduler: store.clone(),
            revocations: store.clone(),
            deletions: store.clone(),
            key_store: store.clone(),
            sealed: store.clone(),
            machine_credentials: store.clone(),
            events: store.clone(),
            webhooks: store.clone(),
            webhook_sender: receiver.clone(),
            traces: Arc::new(NoTraces),
        })
    }
}
