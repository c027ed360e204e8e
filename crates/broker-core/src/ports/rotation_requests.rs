//! Asking another process for a rotation: for a process that holds no refresh token and no key that opens one.

use async_trait::async_trait;

use super::{StoreError, TraceParent};
use crate::{Generation, GrantId, GrantKey, Timestamp};

/// A rotation that is wanted. Holds no secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RotationRequest {
    /// The grant.
    pub key: GrantKey,
    /// The generation it is at, as far as who asks has seen.
    pub generation: Generation,
    /// Now.
    pub requested_at: Timestamp,
    /// After this time nobody waits for it any more.
    pub wanted_until: Timestamp,
    /// Where who asks stands in a trace.
    pub trace_parent: Option<TraceParent>,
}

/// Which of its rounds a request is in. A grant that is asked for again after an answer begins another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RequestRound(pub u64);

/// A request that a rotator has taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenRequest {
    /// The grant.
    pub key: GrantKey,
    /// The generation who asked has seen.
    pub generation: Generation,
    /// The round that is to be answered.
    pub round: RequestRound,
    /// Where who asked first in this round stands in a trace.
    pub trace_parent: Option<TraceParent>,
}

/// Which requests to take.
#[derive(Debug, Clone, Copy)]
pub struct TakeRequests {
    /// Now: a request nobody waits for any more is passed over.
    pub at: Timestamp,
    /// One that was taken before this time and is not answered may be taken again: its taker may be dead.
    pub taken_before: Timestamp,
    /// At most so many.
    pub limit: u32,
}

/// How a rotation that was asked for ended. What the provider said stands in the grant, not here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationAnswer {
    /// The grant has a new generation.
    Adopted,
    /// There was nothing to rotate, or it had been rotated already.
    Unchanged,
    /// The provider gave no tokens; the grant says why.
    Refused,
    /// Another attempt is open, or its answer is late.
    StillRunning,
    /// The provider refuses the client registration, which rests until this time.
    RegistrationPaused(Timestamp),
    /// An operator has paused the refresh until this time.
    RefreshPaused(Timestamp),
    /// The provider, or the registration at it, is not called before this time.
    ProviderRests(Timestamp),
    /// A backend of the rotator cannot be used.
    BackendUnavailable,
    /// The tenant's rotation key may seal nothing new.
    KeysExhausted,
    /// The rotator failed by its own fault; its log says how.
    Internal,
}

/// How far a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestState {
    /// No rotator has taken it.
    Waiting,
    /// A rotator has taken it.
    Taken,
    /// It, or a later round of it, is answered.
    Answered(RotationAnswer),
}

impl RotationAnswer {
    /// The name in stores, and the time that goes with it.
    pub fn parts(self) -> (&'static str, Option<Timestamp>) {
        match self {
            Self::Adopted => ("adopted", None),
            Self::Unchanged => ("unchanged", None),
            Self::Refused => ("refused", None),
            Self::StillRunning => ("still_running", None),
            Self::RegistrationPaused(until) => ("registration_paused", Some(until)),
            Self::RefreshPaused(until) => ("refresh_paused", Some(until)),
            Self::ProviderRests(until) => ("provider_rests", Some(until)),
            Self::BackendUnavailable => ("backend_unavailable", None),
            Self::KeysExhausted => ("keys_exhausted", None),
            Self::Internal => ("internal", None),
        }
    }

    /// The answer of that name and time; `None` where the two do not go together.
    pub fn from_parts(name: &str, until: Option<Timestamp>) -> Option<Self> {
        Some(match (name, until) {
            ("adopted", None) => Self::Adopted,
            ("unchanged", None) => Self::Unchanged,
            ("refused", None) => Self::Refused,
            ("still_running", None) => Self::StillRunning,
            ("registration_paused", Some(until)) => Self::RegistrationPaused(until),
            ("refresh_paused", Some(until)) => Self::RefreshPaused(until),
            ("provider_rests", Some(until)) => Self::ProviderRests(until),
            ("backend_unavailable", None) => Self::BackendUnavailable,
            ("keys_exhausted", None) => Self::KeysExhausted,
            ("internal", None) => Self::Internal,
            _ => return None,
        })
    }
}

/// Requests for rotations, between processes that share a store.
#[async_trait]
pub trait RotationRequests: Send + Sync {
    /// Asks for a rotation, durably. Idempotent while the same grant and generation are asked for and not answered:
    /// whoever asks shares the round. After an answer the next round begins.
    async fn request_rotation(&self, request: &RotationRequest) -> Result<RequestRound, StoreError>;

    /// How far that round is; `None` if the request was pruned.
    async fn rotation_request(
        &self,
        key: &GrantKey,
        generation: Generation,
        round: RequestRound,
    ) -> Result<Option<RequestState>, StoreError>;

    /// Takes requests that nobody has answered, longest waiting first. Of several rotators one is given each.
    async fn take_rotation_requests(&self, take: TakeRequests) -> Result<Vec<TakenRequest>, StoreError>;

    /// Answers a round. A round that was answered stays as it is.
    async fn answer_rotation_request(
        &self,
        taken: &TakenRequest,
        answer: RotationAnswer,
    ) -> Result<(), StoreError>;

    /// Forgets up to `limit` requests that were not wanted after `before`. Answers how many.
    async fn prune_rotation_requests(&self, before: Timestamp, limit: u32) -> Result<u64, StoreError>;

    /// Returns when a request may have come, as far as the store tells of it at once. A hint that may be missed:
    /// whoever waits looks again by itself.
    async fn requested(&self);

    /// Returns when a request for that grant may have been answered. A hint like [`RotationRequests::requested`].
    async fn answered(&self, grant: GrantId);
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNTIL: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);

    #[test]
    fn every_answer_comes_back_from_its_parts() {
        use RotationAnswer as Answer;
        for answer in [
            Answer::Adopted,
            Answer::Unchanged,
            Answer::Refused,
            Answer::StillRunning,
            Answer::RegistrationPaused(UNTIL),
            Answer::RefreshPaused(UNTIL),
            Answer::ProviderRests(UNTIL),
            Answer::BackendUnavailable,
            Answer::Internal,
        ] {
            let (name, until) = answer.parts();
            assert_eq!(Answer::from_parts(name, until), Some(answer));
            let odd = if until.is_some() { None } else { Some(UNTIL) };
            assert_eq!(Answer::from_parts(name, odd), None);
        }
    }
}
