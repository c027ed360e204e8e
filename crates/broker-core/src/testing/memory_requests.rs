//! Requests for rotations, in memory: among the tasks of one test.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use tokio::sync::Notify;

use crate::ports::{
    RequestRound, RequestState, RotationAnswer, RotationRequest, RotationRequests, StoreError, TakeRequests,
    TakenRequest,
};
use crate::{Generation, GrantId, GrantKey, Timestamp};

#[derive(Debug)]
struct Row {
    request: RotationRequest,
    round: u64,
    taken_at: Option<Timestamp>,
    answered: u64,
    answer: Option<RotationAnswer>,
}

impl Row {
    fn is_open(&self) -> bool {
        self.answered < self.round
    }
}

/// Requests that are kept as long as this is.
#[derive(Debug, Default)]
pub struct MemoryRequests {
    rows: Mutex<BTreeMap<(GrantId, Generation), Row>>,
    requested: Notify,
    answered: Notify,
}

impl MemoryRequests {
    /// How often rounds of requests were begun.
    pub fn rounds(&self) -> u64 {
        self.rows().values().map(|row| row.round).sum()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<(GrantId, Generation), Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl RotationRequests for MemoryRequests {
    async fn request_rotation(&self, request: &RotationRequest) -> Result<RequestRound, StoreError> {
        let mut rows = self.rows();
        let row = rows.entry((request.key.grant_id(), request.generation)).or_insert_with(|| Row {
            request: request.clone(),
            round: 0,
            taken_at: None,
            answered: 0,
            answer: None,
        });
        if !row.is_open() {
            (row.round, row.taken_at, row.request.requested_at) = (row.round + 1, None, request.requested_at);
            row.request.trace_parent = None;
        }
        row.request.trace_parent = row.request.trace_parent.or(request.trace_parent);
        row.request.wanted_until = row.request.wanted_until.max(request.wanted_until);
        self.requested.notify_waiters();
        Ok(RequestRound(row.round))
    }

    async fn rotation_request(
        &self,
        key: &GrantKey,
        generation: Generation,
        round: RequestRound,
    ) -> Result<Option<RequestState>, StoreError> {
        let rows = self.rows();
        let Some(row) = rows.get(&(key.grant_id(), generation)) else { return Ok(None) };
        let open = if row.taken_at.is_some() { RequestState::Taken } else { RequestState::Waiting };
        let answer = row.answer.filter(|_| row.answered >= round.0);
        Ok(Some(answer.map_or(open, RequestState::Answered)))
    }

    async fn take_rotation_requests(&self, take: TakeRequests) -> Result<Vec<TakenRequest>, StoreError> {
        let mut rows = self.rows();
        let mut open: Vec<_> = rows
            .values_mut()
            .filter(|row| row.is_open() && row.request.wanted_until > take.at)
            .filter(|row| row.taken_at.is_none_or(|at| at < take.taken_before))
            .collect();
        open.sort_by_key(|row| row.request.requested_at);
        let taken = open.into_iter().take(take.limit as usize).map(|row| {
            row.taken_at = Some(take.at);
            let RotationRequest { key, generation, trace_parent, .. } = row.request.clone();
            TakenRequest { key, generation, round: RequestRound(row.round), trace_parent }
        });
        Ok(taken.collect())
    }

    async fn answer_rotation_request(
        &self,
        taken: &TakenRequest,
        answer: RotationAnswer,
    ) -> Result<(), StoreError> {
        if let Some(row) = self.rows().get_mut(&(taken.key.grant_id(), taken.generation))
            && row.answered < taken.round.0
        {
            (row.answered, row.answer) = (taken.round.0, Some(answer));
        }
        self.answered.notify_waiters();
        Ok(())
    }

    async fn prune_rotation_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError> {
        let mut rows = self.rows();
        let old: Vec<_> = rows
            .iter()
            .filter(|(_, row)| row.request.wanted_until < before)
            .map(|(key, _)| *key)
            .take(limit as usize)
            .collect();
        old.iter().for_each(|key| drop(rows.remove(key)));
        Ok(old.len() as u64)
    }

    async fn requested(&self) {
        self.requested.notified().await;
    }

    async fn answered(&self, _grant: GrantId) {
        self.answered.notified().await;
    }
}
