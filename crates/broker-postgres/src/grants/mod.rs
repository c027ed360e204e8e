//! Grants and the durable steps of the rotation protocol: one file each.

mod account;
mod adopt;
mod asked;
pub(crate) mod attempts;
mod changed;
mod claim;
pub(crate) mod close;
mod due;
mod exchange;
mod list;
mod orphans;
mod prune;
mod registration_works;
pub(crate) mod rows;
mod sent;
mod unread;
mod vendable;

use async_trait::async_trait;
use broker_core::ports::{
    AdoptOutcome, Adoption, AttemptEnd, ClaimOutcome, DueGrant, DueQuery, EscrowRecord, ExchangeClaim,
    ExchangeOutcome, GrantChange, GrantFilter, GrantStore, Orphan, RefreshClaim, SentMark, SentOutcome,
    StoreError, VendableGrant,
};
use broker_core::{
    AccountDigest, Attempt, AttemptId, AuditRecord, Grant, GrantId, GrantKey, IncarnationId, LineageId,
    ProviderName, QuotaKind, RegistrationId, TenantId, Timestamp,
};

pub(crate) use self::adopt::Adoptions;
pub(crate) use self::claim::Claims;
pub(crate) use self::sent::SentMarks;
use crate::PostgresStore;

#[async_trait]
impl GrantStore for PostgresStore {
    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        self.operation("vendable", vendable::read(&self.pools.vending, key)).await
    }

    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        self.operation("list_grants", list::page(&self.pools.admin, filter)).await
    }

    async fn due_grants(&self, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError> {
        self.operation("due_grants", due::read(&self.pools.rotation, query)).await
    }

    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
        self.operation("postpone", due::postpone(&self.pools.rotation, due, until)).await
    }

    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        self.operation("claim_refresh", self.claims.ask(claim.clone())).await
    }

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError> {
        let quota = self.quotas.of(&claim.tenant, QuotaKind::Grants);
        self.operation("claim_exchange", exchange::claim(&self.pools.consent, claim, quota)).await
    }

    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError> {
        self.operation("mark_sent", self.sent_marks.ask(mark.clone())).await
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        adopt::check(adoption)?;
        self.operation("adopt", self.adoptions.ask(adoption.clone())).await
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        self.operation("close_attempt", close::close(&self.pools.adoption, end)).await
    }

    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        self.operation("attempt", attempts::read(&self.pools.rotation, tenant, id)).await
    }

    async fn orphans(
        &self,
        own: IncarnationId,
        silent_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        self.operation("orphans", orphans::read(&self.pools.rotation, own, silent_since, limit)).await
    }

    async fn registration_works_since(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        registration: &RegistrationId,
        except: GrantId,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        let named = (tenant, provider, registration);
        let works = registration_works::since(&self.pools.rotation, named, except, since);
        self.operation("registration_works_since", works).await
    }

    async fn changed_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantChange>, StoreError> {
        self.operation("changed_since", changed::since(&self.pools.vending, since, limit)).await
    }

    async fn unread_answers(&self, limit: u32) -> Result<Vec<EscrowRecord>, StoreError> {
        self.operation("unread_answers", unread::read(&self.pools.rotation, limit)).await
    }

    async fn note_account(
        &self,
        key: &GrantKey,
        lineage: LineageId,
        account: AccountDigest,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        let noted = account::note(&self.pools.adoption, key, lineage, account, record);
        self.operation("note_account", noted).await
    }

    async fn account_sharers(&self, key: &GrantKey) -> Result<u32, StoreError> {
        self.operation("account_sharers", account::sharers(&self.pools.consent, key)).await
    }

    async fn note_asked(&self, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError> {
        self.operation("note_asked", asked::note(&self.pools.vending, asked)).await
    }

    async fn prune_attempts(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let pruned = prune::prune(&self.pools.consent, &self.pruned_to, closed_before, limit);
        self.operation("prune_attempts", pruned).await
    }
}
