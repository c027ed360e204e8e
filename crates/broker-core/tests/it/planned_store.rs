//! A store in which what is due is a list, and reading it is counted.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, DueGrant, DueQuery, EscrowRecord, ExchangeClaim,
    ExchangeOutcome, GrantChange, GrantFilter, GrantStore, Orphan, RefreshClaim, SentMark, SentOutcome,
    StoreError, VendableGrant,
};
use broker_core::{
    AccountDigest, Attempt, AttemptId, AuditRecord, Grant, GrantId, GrantKey, IncarnationId, LineageId,
    ProviderName, RegistrationId, TenantId, Timestamp,
};
use broker_sqlite::SqliteStore;

/// Everything but what is due stands in a store that holds no grants: whoever claims one finds it gone.
pub(crate) struct PlannedStore {
    inner: Arc<SqliteStore>,
    planned: Mutex<Vec<DueGrant>>,
    /// How many rows each reading brought.
    pub(crate) read: Mutex<Vec<usize>>,
    /// Grants that were put off, and until when.
    pub(crate) postponed: Mutex<Vec<(GrantKey, Timestamp)>>,
    /// Grants somebody claimed, in order.
    pub(crate) claimed: Mutex<Vec<GrantKey>>,
    /// Every write of notes.
    pub(crate) noted: Mutex<Vec<Vec<(GrantKey, Timestamp)>>>,
}

impl PlannedStore {
    pub(crate) fn new(inner: Arc<SqliteStore>, mut planned: Vec<DueGrant>) -> Self {
        planned.sort_by_key(|due| due.due_at);
        Self {
            inner,
            planned: Mutex::new(planned),
            read: Mutex::default(),
            postponed: Mutex::default(),
            claimed: Mutex::default(),
            noted: Mutex::default(),
        }
    }

    /// The earliest of each tenant's at each provider, or the earliest of all.
    fn due(&self, query: &DueQuery) -> Vec<DueGrant> {
        let planned = self.planned.lock().unwrap();
        let end = planned.partition_point(|due| due.due_at <= query.due_by);
        let mut lanes = std::collections::HashMap::new();
        let mut fits = |due: &&DueGrant| {
            let lane = lanes.entry((due.key.tenant.clone(), due.key.provider.clone())).or_insert(0);
            *lane += 1;
            query.per_lane.is_none_or(|most| *lane <= most)
        };
        planned[..end].iter().filter(&mut fits).take(query.limit as usize).cloned().collect()
    }
}

#[async_trait]
impl GrantStore for PlannedStore {
    async fn due_grants(&self, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError> {
        let due = self.due(query);
        self.read.lock().unwrap().push(due.len());
        Ok(due)
    }

    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
        self.postponed.lock().unwrap().push((due.key.clone(), until));
        self.planned.lock().unwrap().retain(|planned| planned.key != due.key);
        Ok(())
    }

    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        self.claimed.lock().unwrap().push(claim.key.clone());
        self.inner.claim_refresh(claim).await
    }

    async fn note_account(
        &self,
        key: &GrantKey,
        lineage: LineageId,
        account: AccountDigest,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.inner.note_account(key, lineage, account, record).await
    }

    async fn account_sharers(&self, key: &GrantKey) -> Result<u32, StoreError> {
        self.inner.account_sharers(key).await
    }

    async fn note_asked(&self, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError> {
        self.noted.lock().unwrap().push(asked.to_vec());
        Ok(())
    }

    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        self.inner.vendable(key).await
    }

    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        self.inner.list_grants(filter).await
    }

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError> {
        self.inner.claim_exchange(claim).await
    }

    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError> {
        self.inner.mark_sent(mark).await
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        self.inner.adopt(adoption).await
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        self.inner.close_attempt(end).await
    }

    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.inner.attempt(tenant, id).await
    }

    async fn orphans(
        &self,
        own: IncarnationId,
        silent_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        self.inner.orphans(own, silent_since, limit).await
    }

    async fn registration_works_since(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        registration: &RegistrationId,
        except: GrantId,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        self.inner.registration_works_since(tenant, provider, registration, except, since).await
    }

    async fn changed_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantChange>, StoreError> {
        self.inner.changed_since(since, limit).await
    }

    async fn unread_answers(&self, limit: u32) -> Result<Vec<EscrowRecord>, StoreError> {
        self.inner.unread_answers(limit).await
    }

    async fn prune_attempts(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.prune_attempts(closed_before, limit).await
    }
}

/// A grant due so long after the start, of an hour's token, asked for `unasked` before that.
pub(crate) fn due(key: GrantKey, due_at: Timestamp, unasked: Duration) -> DueGrant {
    DueGrant {
        key,
        generation: broker_core::Generation::new(1),
        due_at,
        undecided: false,
        registration: RegistrationId::new("main").unwrap(),
        expires_at: due_at + Duration::from_secs(1080),
        dies_at: None,
        refresh_token_timeout: None,
        asked_at: Some(due_at - unasked),
    }
}
