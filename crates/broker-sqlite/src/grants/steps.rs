//! The steps that share a commit with others of their time.

use async_trait::async_trait;
use broker_core::ports::{
    AdoptOutcome, Adoption, ClaimOutcome, RefreshClaim, SentMark, SentOutcome, StoreError,
};
use sqlx::SqliteConnection;

use super::{adopt, claim, sent};
use crate::batch::Step;
use crate::history::Seen;

pub(crate) struct Claim {
    pub(crate) claim: RefreshClaim,
    pub(crate) seen: Seen,
}

#[async_trait]
impl Step for Claim {
    type Answer = ClaimOutcome;

    async fn take(&self, connection: &mut SqliteConnection) -> Result<ClaimOutcome, StoreError> {
        claim::refresh(connection, &self.claim, self.seen).await
    }
}

#[async_trait]
impl Step for SentMark {
    type Answer = SentOutcome;

    async fn take(&self, connection: &mut SqliteConnection) -> Result<SentOutcome, StoreError> {
        sent::mark(connection, self).await
    }

    fn stays(outcome: &SentOutcome) -> bool {
        *outcome == SentOutcome::Marked
    }
}

#[async_trait]
impl Step for Adoption {
    type Answer = AdoptOutcome;

    async fn take(&self, connection: &mut SqliteConnection) -> Result<AdoptOutcome, StoreError> {
        adopt::adopt(connection, self).await
    }
}
