//! Mints of machine credentials, as steps of a store.

use crate::{AuditRecord, GrantKey, LastFailure, MintMark, MintedToken, RegistrationId, Timestamp};

/// A machine credential whose next token is to be minted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMint {
    /// Where it stands.
    pub key: GrantKey,
    /// What the mint begins from.
    pub mark: MintMark,
    /// The registration it is minted with. `None`: it is derived from a grant.
    pub registration: Option<RegistrationId>,
}

/// Takes a mint for one replica.
#[derive(Debug, Clone)]
pub struct MintClaim {
    /// Where the credential stands.
    pub key: GrantKey,
    /// As it was seen: what has been minted, failed or replaced since is not taken.
    pub mark: MintMark,
    /// Now.
    pub at: Timestamp,
    /// Until when nobody else mints: the name of the claim, as nobody else's is over later.
    pub hold_until: Timestamp,
}

/// Ends a mint that was taken.
#[derive(Debug, Clone)]
pub struct MintEnd {
    /// The claim.
    pub claim: MintClaim,
    /// What came of it.
    pub outcome: MintOutcome,
    /// When the next is due.
    pub mint_at: Timestamp,
}

/// What came of a mint.
#[derive(Debug, Clone)]
pub enum MintOutcome {
    /// A token, of the next generation.
    Minted {
        /// The token.
        token: Box<MintedToken>,
        /// The record of it.
        record: Box<AuditRecord>,
    },
    /// None.
    Failed(LastFailure),
}
