//! A user's grant as the broker keeps it, without any token.

use crate::{
    AccountDigest, FailureKind, GrantId, GrantKey, LineageId, RegistrationId, RevocationOutcome, Timestamp,
};

/// Number of token sets adopted so far; +1 at each adoption. Every cache key and compare-and-set carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Before the first token set.
    pub const NONE: Self = Self(0);

    /// From the number a store keeps.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The generation that adopting one more token set makes.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// Whether a grant can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifecycle {
    /// Tokens are kept fresh.
    Active,
    /// The user must consent again.
    NeedsConsent(ConsentCause),
    /// The window the provider gave the grant is over.
    ConsentExpired,
    /// Its tokens are being revoked at the provider. None of them is served or used any more.
    Revoking,
    /// Its tokens are revoked at the provider, and erased here.
    Revoked,
}

impl Lifecycle {
    /// Whether the grant was revoked here: nothing of it is vended, claimed or sent.
    pub fn is_revoked(self) -> bool {
        matches!(self, Self::Revoking | Self::Revoked)
    }
}

/// Why a user must consent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsentCause {
    /// The provider refused the refresh token twice, a pause apart: it was revoked.
    Revoked,
    /// A refresh was sent, its answer never came, and the provider then refused the old token.
    LostRotation,
    /// The provider kept refusing the refresh for a reason that does not name the token.
    ProviderRefuses,
    /// The access token ran out and the provider never gave a refresh token.
    NoOfflineAccess,
}

impl ConsentCause {
    const ALL: [Self; 4] = [Self::Revoked, Self::LostRotation, Self::ProviderRefuses, Self::NoOfflineAccess];

    /// The name in error details, stores and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Revoked => "REVOKED",
            Self::LostRotation => "LOST_ROTATION",
            Self::ProviderRefuses => "PROVIDER_REFUSES",
            Self::NoOfflineAccess => "NO_OFFLINE_ACCESS",
        }
    }

    /// The cause of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }
}

/// Where an active grant stands in the rotation protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// No attempt is open.
    Idle,
    /// An attempt is open; the provider has provably not seen it.
    Claimed,
    /// An attempt is open and may have reached the provider.
    Sent,
    /// The last attempt may have reached the provider and nobody knows its outcome.
    Uncertain,
    /// The provider refused the refresh token once; it is presented once more before the grant is given up.
    Suspect,
}

impl Phase {
    const ALL: [Self; 5] = [Self::Idle, Self::Claimed, Self::Sent, Self::Uncertain, Self::Suspect];

    /// The name a store keeps.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Claimed => "claimed",
            Self::Sent => "sent",
            Self::Uncertain => "uncertain",
            Self::Suspect => "suspect",
        }
    }

    /// The phase of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.as_str() == name)
    }
}

/// The last thing that went wrong with a grant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastFailure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// When.
    pub at: Timestamp,
    /// The OAuth error code, if the provider sent one (RFC 6749 §5.2).
    pub oauth_error: Option<String>,
    /// The HTTP status, if there was an answer.
    pub http_status: Option<u16>,
    /// How many failures of this kind in a row, this one included.
    pub in_a_row: u32,
    /// When the first of that row happened.
    pub since: Timestamp,
}

/// A user's grant: everything but the tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Grant {
    /// Its id, derived from the key.
    pub id: GrantId,
    /// Its full key.
    pub key: GrantKey,
    /// The client registration that minted it and that it stays pinned to.
    pub registration: RegistrationId,
    /// The chain of refresh tokens it is on.
    pub lineage: LineageId,
    /// Token sets adopted so far.
    pub generation: Generation,
    /// Whether it can be used.
    pub lifecycle: Lifecycle,
    /// Where it stands in the rotation protocol.
    pub phase: Phase,
    /// A refresh may have reached the provider without a known outcome; cleared only by adopting.
    pub tainted: bool,
    /// Whether a refresh token is held.
    pub refreshable: bool,
    /// Type of the access token as the provider named it (RFC 6749 §7.1).
    pub token_type: String,
    /// Scopes granted.
    pub scopes: Vec<String>,
    /// Prefix of API calls, where the provider names one per grant.
    pub api_base_url: Option<String>,
    /// When the current access token was issued.
    pub issued_at: Timestamp,
    /// When the current access token expires.
    pub expires_at: Timestamp,
    /// When the user last consented.
    pub consented_at: Timestamp,
    /// When the grant dies whatever is done.
    pub dies_at: Option<Timestamp>,
    /// When it is looked at next; `None` once nothing is to be done any more.
    pub due_at: Option<Timestamp>,
    /// When it was last refreshed.
    pub refreshed_at: Option<Timestamp>,
    /// What went wrong since the last adoption; for a grant that is being revoked, with the last try of that.
    pub last_failure: Option<LastFailure>,
    /// When it was first made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// How its last revocation ended; `None` if it never was revoked, or is again.
    pub revocation: Option<RevocationOutcome>,
    /// The account at the provider that it is of; `None` while that is not known.
    pub upstream_account: Option<AccountDigest>,
}

impl Grant {
    /// The account a new consent must be of: that of a grant which was not revoked.
    pub fn pinned_account(&self) -> Option<AccountDigest> {
        self.upstream_account.filter(|_| !self.lifecycle.is_revoked())
    }

    /// Life of the current access token, from issue to expiry.
    pub fn token_life(&self) -> std::time::Duration {
        self.expires_at.since(self.issued_at)
    }

    /// Until when the refresh token must not be presented, whoever asks: an orphaned request may still be processed,
    /// or a refusal is to be confirmed only after a pause (rule 7 of docs/rotation.md).
    pub fn undecided_until(&self, now: Timestamp) -> Option<Timestamp> {
        let undecided = matches!(self.phase, Phase::Uncertain | Phase::Suspect);
        self.due_at.filter(|due| undecided && *due > now)
    }

    /// The earliest time another call makes sense, while the last one failed and its pause is not over.
    pub fn paused_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.last_failure.as_ref()?;
        self.due_at.filter(|due| *due > now)
    }
}
