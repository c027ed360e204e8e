//! A store that stops at its steps, and tells the ledger of them.

use std::sync::Arc;

use async_trait::async_trait;
use broker_core::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, DueGrant, DueQuery, EscrowRecord, ExchangeClaim,
    ExchangeOutcome, GrantChange, GrantFilter, GrantStore, Orphan, RefreshClaim, SentMark, SentOutcome,
    StoreError, VendableGrant,
};
use broker_core::{
    AccountDigest, Attempt, AttemptId, AttemptKind, AuditRecord, Grant, GrantId, GrantKey, IncarnationId,
    LineageId, ProviderName, RegistrationId, TenantId, Timestamp,
};

use super::ledger::Ledger;
use super::stops::{Stop, Stops};

pub(crate) struct StoreDoor {
    pub(crate) inner: Arc<dyn GrantStore>,
    pub(crate) stops: Arc<Stops>,
    pub(crate) ledger: Arc<Ledger>,
}

impl StoreDoor {
    /// Refreshes stop here; the consent that begins every test does not.
    async fn at(&self, stop: Stop, attempt: &Attempt) {
        if attempt.kind == AttemptKind::Refresh {
            self.stops.at(stop).await;
        }
    }
}

#[async_trait]
impl GrantStore for StoreDoor {
    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        self.stops.at(Stop::Claim).await;
        let outcome = self.inner.claim_refresh(claim).await?;
        if let ClaimOutcome::Claimed(_) = outcome {
            self.stops.at(Stop::Claimed).await;
        }
        Ok(outcome)
    }

    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError> {
        let outcome = self.inner.mark_sent(mark).await?;
        if outcome == SentOutcome::Marked {
            self.at(Stop::Sent, &mark.attempt).await;
            self.ledger.presented(&mark.attempt);
        }
        Ok(outcome)
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        let attempt = &adoption.attempt;
        self.at(Stop::Adopt, attempt).await;
        let outcome = self.inner.adopt(adoption).await?;
        match outcome {
            AdoptOutcome::Adopted(_) => {
                self.ledger.replaced(attempt);
                self.ledger.ended(attempt, "adopted");
            }
            AdoptOutcome::Superseded => self.ledger.ended(attempt, "superseded"),
            AdoptOutcome::AlreadyAdopted(_)
            | AdoptOutcome::Moved(_)
            | AdoptOutcome::Revoking
            | AdoptOutcome::AccountChanged
            | AdoptOutcome::DuplicateToken => {}
        }
        self.at(Stop::Adopted, attempt).await;
        Ok(outcome)
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        let closed = self.inner.close_attempt(end).await?;
        if closed {
            self.ledger.ended(&end.attempt, end.conclusion);
        }
        Ok(closed)
    }

    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        self.inner.vendable(key).await
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

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError> {
        self.inner.claim_exchange(claim).await
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
