//! The real store behind a door that can be shut, step by step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
use tokio::sync::Notify;

use crate::adoption_door::AdoptionDoor;

pub(crate) struct FlakyStore {
    inner: Arc<SqliteStore>,
    /// The answer to a claim is lost after it was committed; once.
    pub(crate) lose_claim: AtomicBool,
    /// SENT cannot be committed.
    pub(crate) refuse_sent: AtomicBool,
    /// Nothing can be adopted.
    pub(crate) refuse_adopt: AtomicBool,
    /// Adoptions are asked for and never answered.
    pub(crate) hang_adopt: AtomicBool,
    /// An adoption is refused as one that fits nothing; once.
    pub(crate) misfit_adopt: AtomicBool,
    /// Who asks for an adoption dies; once.
    pub(crate) panic_adopt: AtomicBool,
    /// Claims do not answer at all.
    pub(crate) refuse_claim: AtomicBool,
    /// So many claims are still made; those after them are asked for and never answered.
    pub(crate) claims_left: AtomicUsize,
    /// Closings are asked for and never answered.
    pub(crate) hang_close: AtomicBool,
    /// A step was refused, or is not answered.
    pub(crate) refused: Notify,
    /// Grants cannot be read for vending.
    pub(crate) refuse_reads: AtomicBool,
    /// How often a grant was read for vending.
    pub(crate) reads: AtomicUsize,
    /// Before the store's own adoptions.
    pub(crate) door: AdoptionDoor,
}

impl FlakyStore {
    pub(crate) fn new(inner: Arc<SqliteStore>) -> Self {
        Self {
            inner,
            lose_claim: AtomicBool::new(false),
            refuse_sent: AtomicBool::new(false),
            refuse_adopt: AtomicBool::new(false),
            hang_adopt: AtomicBool::new(false),
            misfit_adopt: AtomicBool::new(false),
            panic_adopt: AtomicBool::new(false),
            refuse_claim: AtomicBool::new(false),
            claims_left: AtomicUsize::new(usize::MAX),
            hang_close: AtomicBool::new(false),
            refused: Notify::new(),
            refuse_reads: AtomicBool::new(false),
            reads: AtomicUsize::new(0),
            door: AdoptionDoor::new(),
        }
    }
}

fn down<T>() -> Result<T, StoreError> {
    Err(StoreError::Unavailable("the door is shut".into()))
}

#[async_trait]
impl GrantStore for FlakyStore {
    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        self.reads.fetch_add(1, Ordering::Relaxed);
        if self.refuse_reads.load(Ordering::SeqCst) { down() } else { self.inner.vendable(key).await }
    }

    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        self.inner.list_grants(filter).await
    }

    async fn due_grants(&self, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError> {
        self.inner.due_grants(query).await
    }

    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
        self.inner.postpone(due, until).await
    }

    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        if self.refuse_claim.load(Ordering::SeqCst) {
            return down();
        }
        if self.claims_left.fetch_sub(1, Ordering::SeqCst) == 0 {
            self.refused.notify_one();
            return std::future::pending().await;
        }
        let outcome = self.inner.claim_refresh(claim).await?;
        if self.lose_claim.swap(false, Ordering::SeqCst) { down() } else { Ok(outcome) }
    }

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError> {
        let outcome = self.inner.claim_exchange(claim).await?;
        if self.lose_claim.swap(false, Ordering::SeqCst) { down() } else { Ok(outcome) }
    }

    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError> {
        if self.refuse_sent.load(Ordering::SeqCst) { down() } else { self.inner.mark_sent(mark).await }
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        if self.hang_adopt.load(Ordering::SeqCst) {
            self.refused.notify_one();
            return std::future::pending().await;
        }
        if self.misfit_adopt.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Inconsistent("it fits nothing"));
        }
        assert!(!self.panic_adopt.swap(false, Ordering::SeqCst), "as the test says");
        if self.refuse_adopt.load(Ordering::SeqCst) {
            self.refused.notify_one();
            return down();
        }
        self.door.pass(adoption).await;
        self.inner.adopt(adoption).await
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        if self.hang_close.load(Ordering::SeqCst) {
            self.refused.notify_one();
            return std::future::pending().await;
        }
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
        self.inner.note_asked(asked).await
    }

    async fn prune_attempts(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.inner.prune_attempts(closed_before, limit).await
    }
}
