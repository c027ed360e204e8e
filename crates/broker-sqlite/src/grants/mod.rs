//! Grants and the durable steps of the rotation protocol: one file each.

mod adopt;
mod asked;
pub(crate) mod attempts;
mod changed;
mod claim;
pub(crate) mod close;
mod due;
pub(crate) mod exchange;
mod giving_up;
mod list;
mod lookup;
pub(crate) mod origin;
mod orphans;
mod pauses;
mod prune;
mod refusals;
mod registration_works;
pub(crate) mod rows;
mod sent;
mod steps;
mod token_set;
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

use self::steps::Claim;
use crate::SqliteStore;
use crate::audit;
use crate::operation::failed;

#[async_trait]
impl GrantStore for SqliteStore {
    async fn vendable(&self, key: &GrantKey) -> Result<Option<VendableGrant>, StoreError> {
        self.operation("vendable", async { vendable::read(&mut *self.read().await?, key).await }).await
    }

    async fn list_grants(&self, filter: &GrantFilter) -> Result<Vec<Grant>, StoreError> {
        self.operation("list_grants", async { list::page(&mut *self.read().await?, filter).await }).await
    }

    async fn due_grants(&self, query: &DueQuery) -> Result<Vec<DueGrant>, StoreError> {
        self.operation("due_grants", async { due::read(&mut *self.read().await?, query).await }).await
    }

    async fn postpone(&self, due: &DueGrant, until: Timestamp) -> Result<(), StoreError> {
        self.operation("postpone", due::postpone(&self.writer, due, until)).await
    }

    async fn claim_refresh(&self, claim: &RefreshClaim) -> Result<ClaimOutcome, StoreError> {
        let step = Claim { claim: claim.clone(), seen: self.watch.seen() };
        self.operation("claim_refresh", self.batcher.take(step)).await
    }

    async fn claim_exchange(&self, claim: &ExchangeClaim) -> Result<ExchangeOutcome, StoreError> {
        let quota = self.quotas.of(&claim.tenant, QuotaKind::Grants);
        self.operation("claim_exchange", async {
            let mut tx = self.write().await?;
            let outcome = exchange::claim(&mut tx, claim, quota).await?;
            if matches!(outcome, ExchangeOutcome::Claimed(_)) {
                tx.commit().await.map_err(failed)?;
            }
            Ok(outcome)
        })
        .await
    }

    async fn mark_sent(&self, mark: &SentMark) -> Result<SentOutcome, StoreError> {
        self.operation("mark_sent", self.batcher.take(mark.clone())).await
    }

    async fn adopt(&self, adoption: &Adoption) -> Result<AdoptOutcome, StoreError> {
        self.operation("adopt", self.batcher.take(adoption.clone())).await
    }

    async fn close_attempt(&self, end: &AttemptEnd) -> Result<bool, StoreError> {
        self.operation("close_attempt", async {
            let mut tx = self.write().await?;
            let closed = close::close(&mut tx, end).await?;
            tx.commit().await.map_err(failed)?;
            Ok(closed)
        })
        .await
    }

    async fn attempt(&self, tenant: &TenantId, id: AttemptId) -> Result<Option<Attempt>, StoreError> {
        // On the writer's connection: whoever asks whether a claim was committed must not overtake its commit.
        self.operation("attempt", async {
            let mut tx = self.write().await?;
            attempts::read(&mut tx, tenant, id).await
        })
        .await
    }

    async fn orphans(
        &self,
        own: IncarnationId,
        silent_since: Timestamp,
        limit: u32,
    ) -> Result<Vec<Orphan>, StoreError> {
        self.operation("orphans", async {
            orphans::read(&mut *self.read().await?, own, silent_since, limit).await
        })
        .await
    }

    async fn registration_works_since(
        &self,
        tenant: &TenantId,
        provider: &ProviderName,
        registration: &RegistrationId,
        except: GrantId,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        self.operation("registration_works_since", async {
            let which = (tenant, provider, registration);
            registration_works::since(&mut *self.read().await?, which, except, since).await
        })
        .await
    }

    async fn changed_since(&self, since: Timestamp, limit: u32) -> Result<Vec<GrantChange>, StoreError> {
        self.operation("changed_since", async {
            changed::since(&mut *self.read().await?, since, limit).await
        })
        .await
    }

    async fn unread_answers(&self, limit: u32) -> Result<Vec<EscrowRecord>, StoreError> {
        self.operation("unread_answers", async { unread::read(&mut *self.read().await?, limit).await }).await
    }

    async fn note_account(
        &self,
        key: &GrantKey,
        lineage: LineageId,
        account: AccountDigest,
        record: &AuditRecord,
    ) -> Result<bool, StoreError> {
        self.operation("note_account", async {
            let mut tx = self.write().await?;
            let noted = origin::note_account(&mut tx, key, lineage, account).await?;
            if noted {
                audit::write(&mut tx, record).await?;
            }
            tx.commit().await.map_err(failed)?;
            Ok(noted)
        })
        .await
    }

    async fn account_sharers(&self, key: &GrantKey) -> Result<u32, StoreError> {
        self.operation("account_sharers", async { origin::sharers(&mut *self.read().await?, key).await })
            .await
    }

    async fn note_asked(&self, asked: &[(GrantKey, Timestamp)]) -> Result<(), StoreError> {
        self.operation("note_asked", async {
            let mut tx = self.write().await?;
            asked::note(&mut tx, asked).await?;
            tx.commit().await.map_err(failed)
        })
        .await
    }

    async fn prune_attempts(&self, closed_before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_attempts", prune::prune(&self.writer, closed_before, limit)).await
    }
}
