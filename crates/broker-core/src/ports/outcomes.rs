//! What becomes of an attempt: sent, adopted, closed without tokens.

use std::time::Duration;

use super::EscrowRecord;
use crate::{
    AccountDigest, Attempt, AuthorizationId, Generation, LastFailure, Lifecycle, Phase,
    RefreshTokenFingerprint, SealedTokenSet, SecretId, Timestamp,
};

/// Which lineage an adoption is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lineage {
    /// The grant's present one.
    Present,
    /// A new one, begun by a consent at the given time. It loses to a later consent, and keeps neither refresh token
    /// nor base URL of the old one.
    New {
        /// The authorization that is thereby completed.
        authorization: AuthorizationId,
        /// When the user consented.
        consented_at: Timestamp,
    },
}

/// Makes SENT durable.
#[derive(Debug, Clone)]
pub struct SentMark {
    /// The attempt.
    pub attempt: Attempt,
    /// Now.
    pub at: Timestamp,
    /// For a grace provider: how long after the first SENT of this refresh token (same grant, lineage and generation)
    /// it may still be presented again. `None` sets no limit.
    pub replay_within: Option<Duration>,
}

/// What became of asking for SENT.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentOutcome {
    /// It is durable: write.
    Marked,
    /// The attempt is not open any more or was marked before, or the grant has gone on without it: write nothing.
    Overtaken,
    /// The provider's grace may be over: write nothing, go on as with a single-use token (rule 7).
    GraceOver,
}

/// Makes an answer the grant's new token set.
#[derive(Debug, Clone)]
pub struct Adoption {
    /// The attempt that was answered.
    pub attempt: Attempt,
    /// Which lineage it is on.
    pub lineage: Lineage,
    /// The generation the set was sealed after. The grant must have it, or on the present lineage a lower one.
    pub base: Generation,
    /// The token set, sealed for `base.next()`.
    pub tokens: SealedTokenSet,
    /// Now.
    pub at: Timestamp,
    /// What becomes of tokens that a later consent replaces, this one's or another's.
    pub replaced: ReplacedTokens,
    /// The grant has outlived its window, which was not known before: that has a record of its own.
    pub overruns_window: bool,
    /// What is known of a lineage that begins; nothing on the present one.
    pub origin: Origin,
}

/// What is known of a lineage that begins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Origin {
    /// Whose account at the provider it is of, if that is known.
    pub account: Option<AccountDigest>,
    /// It may be of another account than the grant, or of one that is not known.
    pub may_change_account: bool,
    /// The refresh token it began with; `None` where two grants may share one.
    pub refresh_token: Option<RefreshTokenFingerprint>,
}

/// What becomes of tokens that a later consent replaces (rule 13).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplacedTokens {
    /// They are revoked upstream: that does not reach the consent which replaces them.
    Revoke,
    /// They are let go, and pending revocations of earlier lineages with them: they could end the new consent too.
    LetGo,
}

/// What became of an adoption.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AdoptOutcome {
    /// The grant has this new generation.
    Adopted(Generation),
    /// This attempt was adopted before, as this generation.
    AlreadyAdopted(Generation),
    /// The answer wins, but the grant is at this other generation: seal for it and try again. A new lineage finds that,
    /// and the later answer of a grace provider that answered one refresh token twice.
    Moved(Generation),
    /// The grant has gone on without this answer: another lineage, or a later generation.
    Superseded,
    /// The grant was revoked after the attempt began: the answer's tokens are revoked too.
    Revoking,
    /// The new lineage is of another upstream account than the grant, or of one that is not known. The grant stays as it
    /// is, and is due at once: whether it lived through the consent is not known.
    AccountChanged,
    /// The refresh token of the new lineage belongs to another grant.
    DuplicateToken,
}

/// Closes an attempt that brought no tokens.
#[derive(Debug, Clone)]
pub struct AttemptEnd {
    /// The attempt.
    pub attempt: Attempt,
    /// What the attempt ended as, for the record.
    pub conclusion: &'static str,
    /// What becomes of the grant; `None` for an exchange, which leaves the grant alone.
    pub grant: Option<GrantAfter>,
    /// The name of the failure an exchange's authorization is marked with.
    pub authorization_failure: Option<&'static str>,
    /// Not one byte was written although SENT may stand: the mark is taken back with the closing.
    pub provably_unsent: bool,
    /// The provider refuses the attempt's registration: pause it until its next canary (rule 9).
    pub pause_registration_until: Option<Timestamp>,
    /// The client secret the provider refused, if it is known: it is tried after those that were not refused. Without a
    /// pause another one is to be tried at once, so a pause of the registration lets the next claim pass.
    pub refused_secret: Option<SecretId>,
    /// The code was not looked at: its authorization is pending again, for the next secret.
    pub reopens_authorization: bool,
    /// An answer that could not be read, kept for whoever can (sealed at [`EscrowRecord::place`]).
    pub unread: Option<EscrowRecord>,
    /// Now.
    pub at: Timestamp,
}

impl AttemptEnd {
    /// An end that leaves the grant alone.
    pub fn without_grant(attempt: &Attempt, at: Timestamp) -> Self {
        Self {
            attempt: attempt.clone(),
            conclusion: "unsent",
            grant: None,
            authorization_failure: None,
            provably_unsent: false,
            pause_registration_until: None,
            refused_secret: None,
            reopens_authorization: false,
            unread: None,
            at,
        }
    }

    /// The end of an attempt that provably wrote nothing.
    pub fn unsent(attempt: &Attempt, grant: Option<GrantAfter>, at: Timestamp) -> Self {
        Self { grant, provably_unsent: true, ..Self::without_grant(attempt, at) }
    }
}

/// What a failed refresh leaves behind.
#[derive(Debug, Clone, PartialEq)]
pub struct GrantAfter {
    /// Its lifecycle.
    pub lifecycle: Lifecycle,
    /// Its phase, with no attempt open.
    pub phase: Phase,
    /// Sticky: set here, cleared only by adopting.
    pub tainted: bool,
    /// When to look at it next.
    pub due_at: Option<Timestamp>,
    /// What went wrong; `None` where nothing did (provably unsent).
    pub failure: Option<LastFailure>,
}

impl GrantAfter {
    /// The name of the failure, as attempts are concluded by.
    pub fn failure_name(&self) -> &'static str {
        self.failure.as_ref().map_or("unsent", |failure| failure.kind.as_str())
    }
}
