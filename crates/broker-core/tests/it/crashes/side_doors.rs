//! A journal and leases that stop at their steps.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use broker_core::ports::{
    Durability, Escrow, EscrowError, EscrowRecord, EscrowRecords, InProcessLeases, Keep, Lease, LeaseError,
    LeaseManager, LeaseOutcome,
};
use broker_core::{AttemptKind, EscrowId, GrantId};
use broker_escrow::FileEscrow;

use super::ledger::Ledger;
use super::stops::{Stop, Stops};

pub(crate) struct EscrowDoor {
    pub(crate) inner: FileEscrow,
    pub(crate) stops: Arc<Stops>,
    pub(crate) ledger: Arc<Ledger>,
}

#[async_trait]
impl Escrow for EscrowDoor {
    fn id(&self) -> EscrowId {
        self.inner.id()
    }

    async fn reserve(&self) -> Result<(), EscrowError> {
        self.inner.reserve().await
    }

    async fn append(&self, record: &EscrowRecord, durability: Durability) -> Result<(), EscrowError> {
        let refresh = record.attempt.kind == AttemptKind::Refresh;
        if refresh {
            self.stops.at(Stop::Escrow).await;
        }
        self.inner.append(record, durability).await?;
        if refresh {
            if record.status == 200 {
                self.ledger.replaced(&record.attempt);
            }
            self.stops.at(Stop::Escrowed).await;
        }
        Ok(())
    }

    async fn records(&self) -> Result<EscrowRecords, EscrowError> {
        self.stops.at(Stop::Replay).await;
        self.inner.records().await
    }

    async fn compact(&self, keep: &Keep) -> Result<(), EscrowError> {
        self.inner.compact(keep).await
    }
}

/// Leases of a backend that outlives the process, as Redis does: those of a dead holder run out by themselves.
pub(crate) struct LeaseDoor {
    pub(crate) inner: Arc<InProcessLeases>,
    pub(crate) stops: Arc<Stops>,
}

#[async_trait]
impl LeaseManager for LeaseDoor {
    async fn acquire(&self, grant: GrantId, ttl: Duration) -> Result<LeaseOutcome, LeaseError> {
        self.stops.at(Stop::Lease).await;
        self.inner.acquire(grant, ttl).await
    }

    async fn renew(&self, lease: &Lease, ttl: Duration) -> Result<bool, LeaseError> {
        self.inner.renew(lease, ttl).await
    }

    async fn release(&self, lease: Lease) -> Result<(), LeaseError> {
        self.stops.at(Stop::Release).await;
        self.inner.release(lease).await
    }
}
