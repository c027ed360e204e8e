//! The four ways in which providers treat a refresh token that is shown.

use std::time::Duration;

use provider_sim::{EvercamConfig, GrantPolicy, ReusePolicy};
use serde::Serialize;

/// The grace of [`Profile::Grace`].
const GRACE: Duration = Duration::from_secs(30);

/// One way, and the simulated provider that does so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Profile {
    /// Each token once; a second time kills the family.
    RevokeFamily,
    /// Each token once; a second time is refused.
    Reject,
    /// Each token once, and again for 30 s.
    Grace,
    /// The same token again and again.
    Reusable,
}

impl Profile {
    pub(crate) const ALL: [Self; 4] = [Self::RevokeFamily, Self::Reject, Self::Grace, Self::Reusable];

    /// Its name among the broker's providers.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::RevokeFamily => "revoke-family",
            Self::Reject => "reject",
            Self::Grace => "grace",
            Self::Reusable => "reusable",
        }
    }

    /// Whether an answer that never arrives costs the grant, whatever anybody does.
    pub(crate) const fn is_strict(self) -> bool {
        matches!(self, Self::RevokeFamily | Self::Reject)
    }

    /// Whether a refresh answers another refresh token.
    pub(crate) const fn rotates(self) -> bool {
        !matches!(self, Self::Reusable)
    }

    /// What the broker is told in `[providers.NAME]`.
    pub(crate) const fn broker_keys(self) -> &'static str {
        match self {
            Self::RevokeFamily => "rotation = \"single-use\"\nreuse = \"revoke-family\"\n",
            Self::Reject => "rotation = \"single-use\"\nreuse = \"reject\"\n",
            Self::Grace => "rotation = \"grace\"\ngrace = \"30s\"\n",
            Self::Reusable => "rotation = \"reusable\"\n",
        }
    }

    /// The simulator that does so.
    pub(crate) fn simulator(self, token_life: Duration) -> EvercamConfig {
        let mut config = EvercamConfig { access_ttl: token_life, ..EvercamConfig::demo() };
        config.reuse_policy = match self {
            Self::RevokeFamily => ReusePolicy::revoke_family(),
            Self::Grace => ReusePolicy::grace(GRACE),
            Self::Reject | Self::Reusable => ReusePolicy::reject(),
        };
        if !self.rotates() {
            config.grant_policy = GrantPolicy::permanent_nonrotating();
        }
        config
    }
}
