//! How many grants there are, in which state.

use std::time::Duration;

use crate::{ProviderName, Timestamp};

const HOUR: Duration = Duration::from_secs(3600);

/// The times within which dying grants are counted.
pub const DYING_WITHIN: [Duration; 4] =
    [HOUR.saturating_mul(4), HOUR.saturating_mul(24), HOUR.saturating_mul(48), HOUR.saturating_mul(168)];

/// The grants at one provider, of all tenants. All but the first five numbers are of active ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderGrants {
    /// The provider.
    pub provider: ProviderName,
    /// Can be used.
    pub active: u64,
    /// The user must consent again.
    pub needs_consent: u64,
    /// The provider's window is over.
    pub consent_expired: u64,
    /// Are being revoked.
    pub revoking: u64,
    /// Are revoked.
    pub revoked: u64,
    /// An attempt is open that the provider has provably not seen.
    pub claimed: u64,
    /// An attempt is open that the provider may have seen.
    pub sent: u64,
    /// The outcome of the last attempt is not known.
    pub uncertain: u64,
    /// The refresh token was refused once.
    pub suspect: u64,
    /// Die within each of [`DYING_WITHIN`].
    pub dying: [u64; 4],
    /// Hold an access token that has expired.
    pub without_valid_token: u64,
    /// Since when the most overdue one has been due that no operator paused, if any is.
    pub due_since: Option<Timestamp>,
}

impl ProviderGrants {
    /// A provider without grants.
    pub fn none(provider: ProviderName) -> Self {
        Self {
            provider,
            active: 0,
            needs_consent: 0,
            consent_expired: 0,
            revoking: 0,
            revoked: 0,
            claimed: 0,
            sent: 0,
            uncertain: 0,
            suspect: 0,
            dying: [0; 4],
            without_valid_token: 0,
            due_since: None,
        }
    }
}
