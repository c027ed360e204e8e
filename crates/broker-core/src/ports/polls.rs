//! Polls of device authorizations, as steps of a store.

use super::AttemptEnd;
use crate::{
    Attempt, AttemptId, AuditRecord, Authorization, AuthorizationId, DeviceAuthorization, GrantKey,
    IncarnationId, Polling, RegistrationId, TenantId, Timestamp,
};

/// A device authorization whose time to be polled has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuePoll {
    /// The authorization.
    pub authorization: AuthorizationId,
    /// The grant it will make.
    pub key: GrantKey,
    /// The registration it was started with.
    pub registration: RegistrationId,
    /// When its codes lapse. To claim it then is to forget it.
    pub expires_at: Timestamp,
}

/// Opens the attempt that polls, if it is time. A poll whose broker has died gives way: its hold is over.
#[derive(Debug, Clone)]
pub struct PollClaim {
    /// The tenant.
    pub tenant: TenantId,
    /// The authorization.
    pub authorization: AuthorizationId,
    /// Id of the attempt to open.
    pub attempt: AttemptId,
    /// This run of this process.
    pub owner: IncarnationId,
    /// Now.
    pub at: Timestamp,
    /// Until when nobody else polls it.
    pub hold_until: Timestamp,
}

/// A poll that may be made.
#[derive(Debug)]
pub struct ClaimedPoll {
    /// The open attempt.
    pub attempt: Attempt,
    /// The authorization.
    pub authorization: Authorization,
    /// What it is polled with.
    pub device: DeviceAuthorization,
}

/// Closes an attempt to poll that brought no tokens.
#[derive(Debug, Clone)]
pub struct PollEnd {
    /// What is closed.
    pub end: AttemptEnd,
    /// What becomes of the authorization.
    pub after: AfterPoll,
    /// What is recorded where the authorization ends.
    pub record: AuditRecord,
}

/// What a poll without tokens makes of its authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterPoll {
    /// It is pending and polled again. The attempt goes, so that waiting for a user leaves no rows behind, unless its
    /// answer was lost.
    Again {
        /// How.
        polling: Polling,
        /// The attempt stays: its answer may still come to light.
        keeps_attempt: bool,
    },
    /// The user said no.
    Denied,
    /// The code has lapsed.
    Expired,
    /// It failed, as [`AttemptEnd::authorization_failure`] says.
    Failed,
}
