//! What providers do with a refresh token that is shown again.

use std::time::Duration;

use broker_core::{ProviderProfile, ReusePolicy, RotationMode};

use crate::world::profile;

/// How long a grace provider takes a used token again.
pub(crate) const GRACE: Duration = Duration::from_secs(30);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Single use, and showing a used token revokes its whole family.
    RevokeFamily,
    /// Single use, and a used token is merely refused.
    Reject,
    /// Single use, and a used token is answered again within [`GRACE`].
    Grace,
    /// Stays valid.
    Reusable,
}

impl Mode {
    pub(crate) const ALL: [Self; 4] = [Self::RevokeFamily, Self::Reject, Self::Grace, Self::Reusable];

    pub(crate) fn profile(self) -> ProviderProfile {
        let rotation = match self {
            Self::RevokeFamily => RotationMode::SingleUse(ReusePolicy::RevokeFamily),
            Self::Reject => RotationMode::SingleUse(ReusePolicy::Reject),
            Self::Grace => RotationMode::Grace(GRACE),
            Self::Reusable => RotationMode::Reusable,
        };
        ProviderProfile { rotation, ..profile() }
    }
}
