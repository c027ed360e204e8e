//! How long a grant lives and what happens to a refresh token that is shown twice.

use std::time::Duration;

use crate::clock::{Millis, as_millis};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The life of a grant and of its refresh tokens.
///
/// A refresh token ends at the earlier of two times: its idle life after it was issued
/// (`refresh_token_timeout` of draft-ietf-oauth-refresh-token-expiration) and the absolute life of the grant
/// after the consent (`authorization_expires_in`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GrantPolicy {
    idle: Option<Duration>,
    absolute: Option<Duration>,
    rotates: bool,
}

impl GrantPolicy {
    /// Eagle Eye's newer text: each refresh token lives 14 days, the grant 90 days from the consent.
    pub const fn idle14_abs90() -> Self {
        Self { idle: Some(DAY.saturating_mul(14)), absolute: Some(DAY.saturating_mul(90)), rotates: true }
    }

    /// Eagle Eye's older text: access ends 7 days after the consent, whatever is refreshed.
    pub const fn fixed7() -> Self {
        Self::fixed(DAY.saturating_mul(7))
    }

    /// The other reading of the older text: each refresh token lives 7 days.
    pub const fn sliding7() -> Self {
        Self::sliding(DAY.saturating_mul(7))
    }

    /// Eagle Eye's long-lived tokens: the refresh token never ends and never changes, and a refresh answers the
    /// current access token as long as that is valid.
    pub const fn permanent_nonrotating() -> Self {
        Self { idle: None, absolute: None, rotates: false }
    }

    /// Rotating; each refresh token lives `idle` from its issue.
    pub const fn sliding(idle: Duration) -> Self {
        Self { idle: Some(idle), absolute: None, rotates: true }
    }

    /// Rotating; everything ends `absolute` after the consent.
    pub const fn fixed(absolute: Duration) -> Self {
        Self { idle: None, absolute: Some(absolute), rotates: true }
    }

    /// The same policy with another idle life of its refresh tokens.
    pub const fn with_idle(self, idle: Duration) -> Self {
        Self { idle: Some(idle), ..self }
    }

    /// The same policy with another absolute life of the grant.
    pub const fn with_absolute(self, absolute: Duration) -> Self {
        Self { absolute: Some(absolute), ..self }
    }

    /// The same policy with its shortest life replaced: the idle one where there is one, else the absolute one.
    /// A permanent grant stays permanent.
    pub const fn with_refresh_ttl(self, ttl: Duration) -> Self {
        match (self.idle, self.absolute) {
            (Some(_), _) => self.with_idle(ttl),
            (None, Some(_)) => self.with_absolute(ttl),
            (None, None) => self,
        }
    }

    /// Whether a refresh answers a new refresh token.
    pub const fn rotates(&self) -> bool {
        self.rotates
    }

    pub(crate) fn refresh_expires_at(&self, consented_at: Millis, issued_at: Millis) -> Option<Millis> {
        let idle = self.idle.map(|life| issued_at.saturating_add(as_millis(life)));
        let absolute = self.absolute.map(|life| consented_at.saturating_add(as_millis(life)));
        match (idle, absolute) {
            (Some(idle), Some(absolute)) => Some(idle.min(absolute)),
            (one, other) => one.or(other),
        }
    }
}

/// What a provider does when a refresh token that was already rotated is shown again (RFC 9700 section 4.14.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReusePolicy {
    grace: Duration,
    revokes_family: bool,
}

impl ReusePolicy {
    /// Refuses the old token; the newest one goes on living.
    pub const fn reject() -> Self {
        Self { grace: Duration::ZERO, revokes_family: false }
    }

    /// Refuses the old token and kills the whole family.
    pub const fn revoke_family() -> Self {
        Self { grace: Duration::ZERO, revokes_family: true }
    }

    /// For this long after the first use the old token is answered with another new pair; afterwards it is refused.
    pub const fn grace(window: Duration) -> Self {
        Self { grace: window, revokes_family: false }
    }

    /// The same grace, but a reuse after it kills the family.
    pub const fn then_revoking_family(self) -> Self {
        Self { revokes_family: true, ..self }
    }

    pub(crate) fn in_grace(&self, first_used_at: Millis, now: Millis) -> bool {
        now < first_used_at.saturating_add(as_millis(self.grace))
    }

    pub(crate) const fn revokes_family(&self) -> bool {
        self.revokes_family
    }
}

/// What the revocation of a refresh token takes with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RevocationReach {
    /// The family of that token: the tokens that descend from the same consent.
    #[default]
    Token,
    /// Every family of the same user and client.
    Authorization,
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: Millis = 86_400_000;

    #[test]
    fn the_earlier_of_the_two_lives_ends_a_refresh_token() {
        let table = [
            (GrantPolicy::idle14_abs90(), 0, Some(14)),
            (GrantPolicy::idle14_abs90(), 80, Some(90)),
            (GrantPolicy::fixed7(), 6, Some(7)),
            (GrantPolicy::sliding7(), 6, Some(13)),
            (GrantPolicy::permanent_nonrotating(), 6, None),
            (GrantPolicy::idle14_abs90().with_idle(DAY), 80, Some(81)),
            (GrantPolicy::fixed7().with_refresh_ttl(DAY), 0, Some(1)),
            (GrantPolicy::permanent_nonrotating().with_refresh_ttl(DAY), 0, None),
        ];
        for (policy, issued, expected) in table {
            assert_eq!(
                policy.refresh_expires_at(0, issued * DAY_MS),
                expected.map(|days: u64| days * DAY_MS)
            );
        }
    }

    #[test]
    fn grace_is_over_at_its_end() {
        let policy = ReusePolicy::grace(Duration::from_secs(30));
        assert!(policy.in_grace(1_000, 30_999));
        assert!(!policy.in_grace(1_000, 31_000));
        assert!(!ReusePolicy::reject().in_grace(1_000, 1_000));
    }
}
