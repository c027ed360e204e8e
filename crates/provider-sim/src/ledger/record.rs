//! What the ledger knows of codes, families and tokens.

use serde::{Deserialize, Serialize};

use super::Fingerprint;
use crate::clock::Millis;

/// An authorization code.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Code {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) client_id: String,
    pub(crate) redirect_uri: String,
    pub(crate) user: String,
    pub(crate) scope: String,
    /// The S256 challenge of RFC 7636.
    pub(crate) challenge: Option<String>,
    pub(crate) consented_at: Millis,
    pub(crate) expires_at: Millis,
    pub(crate) fate: CodeFate,
}

/// What became of a code.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum CodeFate {
    /// Not shown yet.
    Fresh,
    /// Shown by a client it was not issued to, and invalidated for that.
    Burned,
    /// Exchanged for the tokens of this family.
    Redeemed(u64),
}

/// All tokens that descend from one consent.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) id: u64,
    pub(crate) client_id: String,
    pub(crate) user: String,
    pub(crate) scope: String,
    pub(crate) consented_at: Millis,
    pub(crate) revoked: bool,
    /// Its access tokens that may still be valid.
    #[serde(skip)]
    pub(crate) access: Vec<Fingerprint>,
}

/// A refresh token, kept when it is used up so that its reuse is noticed.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct RefreshToken {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) serial: u64,
    pub(crate) family: u64,
    /// 0 for the token of the code exchange, one more at each rotation.
    pub(crate) generation: u64,
    pub(crate) expires_at: Option<Millis>,
    /// When it was rotated for the first time.
    pub(crate) first_used_at: Option<Millis>,
}

/// An access token.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AccessToken {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) family: u64,
    /// Serial of the refresh token that came with it.
    pub(crate) refresh: Option<u64>,
    pub(crate) scope: String,
    pub(crate) expires_at: Millis,
    /// The token itself, kept only where a refresh may answer it again.
    pub(crate) text: Option<String>,
}
