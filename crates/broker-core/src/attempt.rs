//! One call of a token endpoint that may answer with a refresh token.

use crate::{
    AttemptId, AuthorizationId, Generation, GrantId, GrantKey, IncarnationId, LineageId, RegistrationId,
    Timestamp,
};

/// What an attempt presents to the token endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptKind {
    /// The refresh token of the grant's present lineage.
    Refresh,
    /// The authorization code or device code of a consent, or the refresh token of an import: it begins a lineage of its own.
    CodeExchange(AuthorizationId),
}

/// How far an attempt got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttemptPhase {
    /// Durable, and not one byte written to the provider.
    Claimed,
    /// The request was about to be written, or was.
    Sent,
    /// It was adopted or concluded: nothing is to be done about it any more.
    Closed,
}

/// An attempt, durable before anything is sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// What it presents.
    pub kind: AttemptKind,
    /// The grant's full key.
    pub key: GrantKey,
    /// The registration it authenticates with.
    pub registration: RegistrationId,
    /// The lineage its answer belongs to.
    pub lineage: LineageId,
    /// The grant's generation when it was claimed.
    pub generation: Generation,
    /// Its number among the attempts at this generation, from 1.
    pub presentation_no: u32,
    /// The run of the process that made it.
    pub owner: IncarnationId,
    /// When it was claimed.
    pub claimed_at: Timestamp,
    /// When the request was about to be written; `None` proves that not one byte of it was.
    pub sent_at: Option<Timestamp>,
    /// How far it got.
    pub phase: AttemptPhase,
}

impl Attempt {
    /// The authorization whose code it presents.
    pub fn authorization(&self) -> Option<AuthorizationId> {
        match self.kind {
            AttemptKind::Refresh => None,
            AttemptKind::CodeExchange(authorization) => Some(authorization),
        }
    }

    /// The grant it is for.
    pub fn grant_id(&self) -> GrantId {
        self.key.grant_id()
    }
}
