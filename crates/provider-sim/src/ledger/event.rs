//! The changes a ledger can go through.

use serde::{Deserialize, Serialize};

use super::{AccessToken, Code, Family, Fingerprint, RefreshToken};
use crate::clock::Millis;

/// One change. The events of one commit are one line of the state file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A user agreed and a code was issued.
    CodeIssued(Code),
    /// A code was shown by a client it does not belong to.
    CodeBurned(Fingerprint),
    /// A code was exchanged and started a family.
    CodeRedeemed { code: Fingerprint, family: u64 },
    /// A consent became a family of tokens.
    FamilyStarted(Family),
    /// A refresh token was issued.
    RefreshIssued(RefreshToken),
    /// A refresh token was rotated; `kills_access` ends the access tokens that came with it.
    RefreshUsed { token: Fingerprint, at: Millis, kills_access: bool },
    /// An access token was issued at this time.
    AccessIssued { token: AccessToken, at: Millis },
    /// One access token was revoked.
    AccessRevoked(Fingerprint),
    /// Every token of a family was revoked.
    FamilyRevoked(u64),
}
