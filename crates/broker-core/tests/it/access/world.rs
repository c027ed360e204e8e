//! A guard before a real store whose door can be shut.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use broker_core::ports::{AccessStore, CreateOutcome, RequestMark, StoreError};
use broker_core::testing::ManualClock;
use broker_core::testing::conformance::actor;
use broker_core::{
    Access, AccessAction, AccessPolicy, AccessRule, AccessSettings, Ask, Asked, AuditRecord, BrokerError,
    Enforcement, NewAccessPolicy, Permit, PolicyId, Principal, PrincipalPattern, Reach, RequestRate,
    ScopeLimit, TenantId, Timestamp,
};
use broker_crypto::SeededEntropy;
use broker_sqlite::{SqliteLocation, SqliteStore};

/// What is asked of it goes to a store that can be exchanged, unless it is shut.
pub(super) struct Door {
    behind: Mutex<Option<Arc<SqliteStore>>>,
    pub(super) shut: AtomicBool,
}

impl Door {
    pub(super) async fn open() -> Arc<Self> {
        let door = Self::to_nowhere();
        door.put_back(fresh_store().await);
        door
    }

    pub(super) fn to_nowhere() -> Arc<Self> {
        Arc::new(Self { behind: Mutex::default(), shut: AtomicBool::new(false) })
    }

    pub(super) fn put_back(&self, store: Arc<SqliteStore>) {
        *self.behind.lock().unwrap() = Some(store);
    }

    fn store(&self) -> Result<Arc<SqliteStore>, StoreError> {
        let behind = self.behind.lock().unwrap().clone();
        let store = behind.filter(|_| !self.shut.load(Ordering::SeqCst));
        store.ok_or_else(|| StoreError::Unavailable("the door is shut".into()))
    }
}

pub(super) async fn fresh_store() -> Arc<SqliteStore> {
    Arc::new(SqliteStore::open(SqliteLocation::Memory).await.unwrap())
}

#[async_trait]
impl AccessStore for Door {
    async fn create_policy(
        &self,
        policy: &AccessPolicy,
        request: Option<&RequestMark>,
        record: &AuditRecord,
    ) -> Result<CreateOutcome, StoreError> {
        self.store()?.create_policy(policy, request, record).await
    }

    async fn policies(&self, after: Option<PolicyId>, limit: u32) -> Result<Vec<AccessPolicy>, StoreError> {
        self.store()?.policies(after, limit).await
    }

    async fn delete_policy(&self, id: PolicyId, record: &AuditRecord) -> Result<bool, StoreError> {
        self.store()?.delete_policy(id, record).await
    }

    async fn policies_version(&self) -> Result<u64, StoreError> {
        self.store()?.policies_version().await
    }
}

/// One replica's guard, with an operator who may do everything.
pub(super) struct World {
    pub(super) access: Arc<Access>,
    pub(super) door: Arc<Door>,
    pub(super) clock: Arc<ManualClock>,
}

pub(super) fn settings(configured: Vec<AccessRule>) -> AccessSettings {
    let configured = configured.into_iter().map(|rule| AccessPolicy::configured(rule, String::new()));
    AccessSettings { configured: configured.collect(), enforcement: Enforcement::Enforce, tenant_rate: None }
}

impl World {
    pub(super) async fn new() -> Self {
        Self::with(settings(vec![rule("operator")])).await
    }

    pub(super) async fn with(settings: AccessSettings) -> Self {
        Self::on(Door::open().await, settings, 1)
    }

    /// Another replica on the same store.
    pub(super) fn another(&self) -> Self {
        Self::on(self.door.clone(), settings(vec![rule("operator")]), 2)
    }

    pub(super) fn on(door: Arc<Door>, settings: AccessSettings, seed: u64) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_unix_seconds(1_700_000_000)));
        let entropy = Arc::new(SeededEntropy::new(seed));
        Self { access: Access::new(settings, door.clone(), clock.clone(), entropy), door, clock }
    }

    pub(super) fn admit(&self, who: &str, action: AccessAction, tenant: &str) -> Result<Permit, BrokerError> {
        let (principal, tenant) = (Principal::new(who).unwrap(), TenantId::new(tenant).unwrap());
        let tenant = Asked::One(&tenant);
        let ask =
            Ask { rpc: "Test", principal: &principal, action, tenant, provider: Asked::All, scopes: None };
        self.access.admit(&ask)
    }

    pub(super) fn vends(&self, who: &str, tenant: &str) -> Result<(), BrokerError> {
        self.admit(who, AccessAction::Vend, tenant).map(drop)
    }

    pub(super) fn may(&self, who: &str, action: AccessAction) -> bool {
        self.admit(who, action, "acme").is_ok()
    }

    /// Creates a policy as this caller, whom the RPC's first question is answered with yes.
    pub(super) async fn create_as(&self, who: &str, rule: AccessRule) -> Result<AccessPolicy, BrokerError> {
        let permit = self.administer_somewhere(who)?;
        let new = NewAccessPolicy { rule, description: String::new(), request: None };
        self.access.create_policy(new, &permit, &actor()).await
    }

    pub(super) async fn create(&self, rule: AccessRule) -> AccessPolicy {
        self.create_as("operator", rule).await.unwrap()
    }

    pub(super) async fn delete_as(&self, who: &str, id: PolicyId) -> Result<AccessPolicy, BrokerError> {
        let permit = self.administer_somewhere(who)?;
        self.access.delete_policy(id, &permit, &actor()).await
    }

    pub(super) fn administer_somewhere(&self, who: &str) -> Result<Permit, BrokerError> {
        let principal = Principal::new(who).unwrap();
        self.access.admit(&Ask {
            rpc: "Test",
            principal: &principal,
            action: AccessAction::Administer,
            tenant: Asked::Unknown,
            provider: Asked::Unknown,
            scopes: None,
        })
    }
}

/// This caller may do everything.
pub(super) fn rule(principal: &str) -> AccessRule {
    AccessRule { principal: PrincipalPattern::new(principal).unwrap(), ..AccessRule::everything() }
}

pub(super) fn rate(per_second: f64) -> Option<RequestRate> {
    Some(RequestRate::new(per_second).unwrap())
}

pub(super) fn scopes(scopes: &[&str]) -> ScopeLimit {
    ScopeLimit::new(scopes.iter().map(ToString::to_string).collect()).unwrap()
}

pub(super) fn only_acme(rule: AccessRule) -> AccessRule {
    AccessRule { tenant: Reach::One(TenantId::new("acme").unwrap()), ..rule }
}
