//! The providers of a fleet.

use std::time::Duration;

use provider_sim::{Clock, EagleEyeConfig, EvercamConfig, ReusePolicy, Running, Simulator};

use crate::Provider;
use crate::house::plan::also_sends_to;

/// The grace of [`Site::Lenient`].
const GRACE: Duration = Duration::from_secs(30);

/// One provider of a fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Site {
    /// Evercam, where showing a used refresh token kills the grant.
    Strict,
    /// Eagle Eye, where an access token dies of the refresh.
    Dying,
    /// A used refresh token is answered again for 30 s.
    Lenient,
}

impl Site {
    /// All, in the order of their declaration.
    pub const ALL: [Self; 3] = [Self::Strict, Self::Dying, Self::Lenient];

    /// Its name in the broker.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strict => "evercam",
            Self::Dying => "eagle-eye",
            Self::Lenient => "lenient",
        }
    }

    /// Whose application, users and endpoints it has.
    pub const fn kin(self) -> Provider {
        match self {
            Self::Strict | Self::Lenient => Provider::Evercam,
            Self::Dying => Provider::EagleEye,
        }
    }

    /// `hosted`: it may send browsers to the broker's own page.
    pub(super) async fn simulator(self, hosted: bool) -> Running {
        let (mut evercam, mut eagle_eye) = (EvercamConfig::demo(), EagleEyeConfig::demo());
        if hosted {
            also_sends_to(&mut evercam.clients, self.name());
            also_sends_to(&mut eagle_eye.clients, self.name());
        }
        let device_interval = Duration::from_secs(1);
        let evercam = |reuse_policy| EvercamConfig { reuse_policy, device_interval, ..evercam };
        let simulator = match self {
            Self::Strict => Simulator::evercam(evercam(ReusePolicy::revoke_family())),
            Self::Dying => Simulator::eagle_eye(eagle_eye),
            Self::Lenient => Simulator::evercam(evercam(ReusePolicy::grace(GRACE))),
        };
        simulator.with_clock(Clock::system()).bind("127.0.0.1:0").await.unwrap()
    }

    /// Its section of the configuration.
    pub(super) fn toml(self, base: &str) -> String {
        let (name, kin, path) = (self.name(), self.kin().name(), self.kin().oauth_path());
        let rotation = match self {
            Self::Lenient => format!("rotation = \"grace\"\ngrace = \"{}s\"\n", GRACE.as_secs()),
            Self::Strict | Self::Dying => String::new(),
        };
        format!(
            "\n[providers.{name}]\nadapter = \"{kin}\"\n{rotation}authorize_url = \"{base}/{path}/authorize\"\n\
             token_url = \"{base}/{path}/token\"\nrevoke_url = \"{base}/{path}/revoke\"\n"
        )
    }
}
