//! A store with one tenant and one registration in it, and short words for the steps of the protocol.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use broker_core::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, ClaimedRefresh, ConsentStore, ExchangeClaim,
    GrantAfter, GrantStore, Lineage, RefreshClaim, TenantStore,
};
use broker_core::{
    AccountLabel, Attempt, AttemptId, Authorization, AuthorizationId, AuthorizationStatus,
    ClientRegistration, Generation, Grant, GrantKey, IncarnationId, Lifecycle, LineageId, Phase,
    ProviderName, RegistrationId, SealedTokenSet, Tenant, TenantId, Timestamp, UserId,
};
use broker_crypto::{Entropy, Sealed, SeededEntropy};
use broker_sqlite::{SqliteLocation, SqliteStore};
use tempfile::TempDir;

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);

pub(crate) struct World {
    pub(crate) store: Arc<SqliteStore>,
    pub(crate) owner: IncarnationId,
    entropy: SeededEntropy,
    directory: Option<TempDir>,
}

pub(crate) fn tenant_id(name: &str) -> TenantId {
    TenantId::new(name).unwrap()
}

pub(crate) fn provider() -> ProviderName {
    ProviderName::new("evercam").unwrap()
}

pub(crate) fn registration_id() -> RegistrationId {
    RegistrationId::new("main").unwrap()
}

pub(crate) fn key_of(tenant: &str, user: &str) -> GrantKey {
    GrantKey {
        tenant: tenant_id(tenant),
        provider: provider(),
        user: UserId::new(user).unwrap(),
        account: AccountLabel::default_label(),
    }
}

pub(crate) fn key(user: &str) -> GrantKey {
    key_of("acme", user)
}

pub(crate) fn registration(tenant: &str, id: &str, created_at: Timestamp) -> ClientRegistration {
    ClientRegistration {
        tenant: tenant_id(tenant),
        provider: provider(),
        id: RegistrationId::new(id).unwrap(),
        client_id: format!("client-of-{tenant}"),
        client_secret: Some(Sealed::from_bytes(b"sealed secret".to_vec())),
        redirect_uri: "https://broker.example/callback".to_owned(),
        scopes: vec!["cameras:read".to_owned(), "offline_access".to_owned()],
        return_to: BTreeMap::from([("app".to_owned(), "https://app.example/?a=\"1\"".to_owned())]),
        created_at,
    }
}

/// A token set whose "envelopes" name their generation.
pub(crate) fn tokens(generation: u64, refresh_token: bool) -> SealedTokenSet {
    SealedTokenSet {
        generation: Generation::new(generation),
        access_token: Sealed::from_bytes(format!("access {generation}").into_bytes()),
        refresh_token: refresh_token
            .then(|| Sealed::from_bytes(format!("refresh {generation}").into_bytes())),
        token_type: "Bearer".to_owned(),
        scopes: vec!["cameras:read".to_owned()],
        api_base_url: None,
        issued_at: NOW,
        expires_at: NOW + HOUR,
        dies_at: None,
        due_at: Some(NOW + HOUR / 2),
    }
}

impl World {
    pub(crate) async fn in_memory() -> Self {
        Self::with(SqliteLocation::Memory, None).await
    }

    pub(crate) async fn in_file() -> Self {
        let directory = TempDir::new().unwrap();
        Self::with(SqliteLocation::File(directory.path().join("broker.db")), Some(directory)).await
    }

    async fn with(location: SqliteLocation, directory: Option<TempDir>) -> Self {
        let store = Arc::new(SqliteStore::open(location).await.unwrap());
        let entropy = SeededEntropy::new(7);
        let owner = IncarnationId::generate(NOW, &entropy);
        let world = Self { store, owner, entropy, directory };
        world.add_tenant("acme").await;
        world
    }

    /// Closes the store and opens its file once more, as another run of the process.
    pub(crate) async fn restart(self) -> Self {
        self.store.close().await;
        let Self { store, entropy, directory, .. } = self;
        drop(store);
        let path = directory.as_ref().unwrap().path().join("broker.db");
        let store = Arc::new(SqliteStore::open(SqliteLocation::File(path)).await.unwrap());
        let owner = IncarnationId::generate(NOW, &entropy);
        Self { store, owner, entropy, directory }
    }

    pub(crate) async fn add_tenant(&self, name: &str) {
        let tenant = Tenant {
            id: tenant_id(name),
            display_name: name.to_uppercase(),
            keys: Vec::new(),
            created_at: NOW,
        };
        assert!(self.store.create_tenant(&tenant).await.unwrap());
        assert!(self.store.create_registration(&registration(name, "main", NOW)).await.unwrap());
    }

    pub(crate) fn attempt_id(&self) -> AttemptId {
        AttemptId::generate(NOW, &self.entropy)
    }

    /// A pending authorization for `key`.
    pub(crate) async fn authorization(&self, key: &GrantKey) -> Authorization {
        let mut state_digest = [0; 32];
        self.entropy.fill(&mut state_digest);
        let authorization = Authorization {
            id: AuthorizationId::generate(NOW, &self.entropy),
            key: key.clone(),
            registration: registration_id(),
            lineage: LineageId::generate(NOW, &self.entropy),
            redirect_uri: "https://broker.example/callback".to_owned(),
            scopes: vec!["cameras:read".to_owned()],
            state_digest,
            verifier: Sealed::from_bytes(b"sealed verifier".to_vec()),
            status: AuthorizationStatus::Pending,
            created_at: NOW,
            expires_at: NOW + HOUR,
        };
        self.store.start_authorization(&authorization).await.unwrap();
        authorization
    }

    pub(crate) fn exchange_of(&self, authorization: &Authorization) -> ExchangeClaim {
        ExchangeClaim {
            tenant: authorization.key.tenant.clone(),
            authorization: authorization.id,
            attempt: self.attempt_id(),
            owner: self.owner,
            at: NOW,
        }
    }

    /// An open code exchange.
    pub(crate) async fn exchange(&self, key: &GrantKey) -> (Attempt, AuthorizationId) {
        let authorization = self.authorization(key).await;
        let attempt = self.store.claim_exchange(&self.exchange_of(&authorization)).await.unwrap().unwrap();
        (attempt, authorization.id)
    }

    /// Adopts the answer of an exchange as generation `base + 1`.
    pub(crate) async fn adopt_new(
        &self,
        (attempt, authorization): &(Attempt, AuthorizationId),
        base: u64,
    ) -> AdoptOutcome {
        let lineage = Lineage::New { authorization: *authorization, consented_at: NOW };
        self.adopt(attempt, lineage, base, true).await
    }

    /// Adopts the answer of a refresh.
    pub(crate) async fn adopt_refresh(&self, attempt: &Attempt) -> AdoptOutcome {
        self.adopt(attempt, Lineage::Present, attempt.generation.get(), true).await
    }

    pub(crate) async fn adopt(
        &self,
        attempt: &Attempt,
        lineage: Lineage,
        base: u64,
        refresh_token: bool,
    ) -> AdoptOutcome {
        let adoption = Adoption {
            attempt: attempt.clone(),
            lineage,
            base: Generation::new(base),
            tokens: tokens(base + 1, refresh_token),
            at: NOW,
        };
        self.store.adopt(&adoption).await.unwrap()
    }

    /// A grant at generation 1, refreshable.
    pub(crate) async fn grant(&self, key: &GrantKey) -> Grant {
        let exchange = self.exchange(key).await;
        assert_eq!(self.adopt_new(&exchange, 0).await, AdoptOutcome::Adopted(Generation::new(1)));
        self.read(key).await
    }

    pub(crate) async fn read(&self, key: &GrantKey) -> Grant {
        self.store.vendable(key).await.unwrap().unwrap().grant
    }

    pub(crate) fn claim_of(&self, key: &GrantKey, generation: u64) -> RefreshClaim {
        RefreshClaim {
            key: key.clone(),
            generation: Generation::new(generation),
            attempt: self.attempt_id(),
            owner: self.owner,
            at: NOW,
            hold_until: NOW + HOUR,
        }
    }

    pub(crate) async fn try_claim(&self, key: &GrantKey, generation: u64) -> ClaimOutcome {
        self.store.claim_refresh(&self.claim_of(key, generation)).await.unwrap()
    }

    /// A claim that must be granted.
    pub(crate) async fn claim(&self, key: &GrantKey, generation: u64) -> ClaimedRefresh {
        match self.try_claim(key, generation).await {
            ClaimOutcome::Claimed(claimed) => *claimed,
            other => panic!("not claimed: {other:?}"),
        }
    }

    pub(crate) async fn send(&self, attempt: &Attempt) -> bool {
        self.store.mark_sent(attempt, NOW).await.unwrap()
    }

    pub(crate) async fn close(&self, attempt: &Attempt, after: Option<GrantAfter>) -> bool {
        let end = AttemptEnd {
            attempt: attempt.clone(),
            conclusion: "test",
            grant: after,
            authorization_failure: Some("test_failure"),
            at: NOW,
        };
        self.store.close_attempt(&end).await.unwrap()
    }
}

/// An active grant with nothing wrong, in `phase`.
pub(crate) fn after(phase: Phase, tainted: bool) -> GrantAfter {
    GrantAfter { lifecycle: Lifecycle::Active, phase, tainted, due_at: Some(NOW), failure: None }
}

impl World {
    /// Consents once more: a new lineage.
    pub(crate) async fn reconsent(&self, key: &GrantKey) -> Grant {
        let base = self.read(key).await.generation.get();
        let exchange = self.exchange(key).await;
        assert_eq!(self.adopt_new(&exchange, base).await, AdoptOutcome::Adopted(Generation::new(base + 1)));
        self.read(key).await
    }

    /// Refreshes in vain, which leaves the grant in `lifecycle`.
    pub(crate) async fn grant_with_lifecycle(&self, key: &GrantKey, lifecycle: Lifecycle) -> Grant {
        let generation = self.read(key).await.generation.get();
        let attempt = self.claim(key, generation).await.attempt;
        let after = GrantAfter { lifecycle, due_at: None, ..after(Phase::Idle, false) };
        assert!(self.close(&attempt, Some(after)).await);
        self.read(key).await
    }
}

impl World {
    /// The file of a store in a file.
    pub(crate) fn database(&self) -> std::path::PathBuf {
        self.directory.as_ref().unwrap().path().join("broker.db")
    }

    /// Every file the store has made.
    pub(crate) fn files(&self) -> Vec<std::path::PathBuf> {
        let directory = self.directory.as_ref().unwrap().path();
        std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect()
    }
}
