//! Notices of grants that will die, and lists of them.

use std::time::Duration;

use crate::{GrantId, GrantKey, LineageId, ProviderName, TenantId, Timestamp};

/// A grant of which a notice may be due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotice {
    /// The grant.
    pub key: GrantKey,
    /// The consent it is about.
    pub lineage: LineageId,
    /// Whether the grant is active: nothing is told of one whose user must consent anyway.
    pub is_active: bool,
    /// Whether a refresh token is held. Without one the grant is given up when it ends: no answer will tell.
    pub refreshable: bool,
    /// When the user consented.
    pub consented_at: Timestamp,
    /// When the authorization ends.
    pub authorization_ends_at: Timestamp,
    /// Since when it is due to be looked at.
    pub notice_at: Timestamp,
    /// The last notice given of this lineage, by how long before the end it is due.
    pub noticed: Option<Duration>,
}

/// A notice to give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// What it is about, as it was read.
    pub due: DueNotice,
    /// Which one, by how long before the end it is due.
    pub before_end: Duration,
    /// When the next one is due; `None` if it is the last.
    pub next_at: Option<Timestamp>,
    /// Now.
    pub at: Timestamp,
}

/// Which grants that will die to list.
#[derive(Debug, Clone)]
pub struct AtRiskFilter {
    /// The tenant, always.
    pub tenant: TenantId,
    /// Only at this provider.
    pub provider: Option<ProviderName>,
    /// Those that die at this time or before.
    pub until: Timestamp,
    /// Only those that come after the one that dies then.
    pub after: Option<(Timestamp, GrantId)>,
    /// At most this many.
    pub limit: u32,
}
