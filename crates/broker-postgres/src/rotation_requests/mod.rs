//! Rotations that processes without refresh tokens ask for.

mod statements;
mod stirring;

use async_trait::async_trait;
use broker_core::ports::{
    RequestRound, RequestState, RotationAnswer, RotationRequest, RotationRequests, StoreError, TakeRequests,
    TakenRequest,
};
use broker_core::{Generation, GrantId, GrantKey, Timestamp};

pub(crate) use self::stirring::Stirring;
use crate::PostgresStore;

/// The channel that tells rotators to look.
const REQUESTED: &str = "token_broker_rotation_requested";

/// The channel that tells who asked to look; it carries the id of the grant.
const ANSWERED: &str = "token_broker_rotation_answered";

#[async_trait]
impl RotationRequests for PostgresStore {
    async fn request_rotation(&self, request: &RotationRequest) -> Result<RequestRound, StoreError> {
        self.operation("request_rotation", statements::request(&self.pools.vending, request)).await
    }

    async fn rotation_request(
        &self,
        key: &GrantKey,
        generation: Generation,
        round: RequestRound,
    ) -> Result<Option<RequestState>, StoreError> {
        let state = statements::state(&self.pools.vending, key, generation, round);
        self.operation("rotation_request", state).await
    }

    async fn take_rotation_requests(&self, take: TakeRequests) -> Result<Vec<TakenRequest>, StoreError> {
        self.operation("take_rotation_requests", statements::take(&self.pools.rotation, take)).await
    }

    async fn answer_rotation_request(
        &self,
        taken: &TakenRequest,
        answer: RotationAnswer,
    ) -> Result<(), StoreError> {
        let answered = statements::answer(&self.pools.adoption, taken, answer);
        self.operation("answer_rotation_request", answered).await
    }

    async fn prune_rotation_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        self.operation("prune_rotation_requests", statements::prune(&self.pools.adoption, before, limit))
            .await
    }

    async fn requested(&self) {
        self.stirring.requested().await;
    }

    async fn answered(&self, grant: GrantId) {
        self.stirring.answered(grant).await;
    }
}
