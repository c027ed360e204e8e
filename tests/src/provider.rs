//! What the simulators know of the application and its users.

use std::time::Duration;

use provider_sim::{EagleEyeConfig, EvercamConfig, Person};

/// One of the two providers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provider {
    /// Evercam: an old access token lives on after a refresh.
    Evercam,
    /// Eagle Eye Networks: an old access token dies of a refresh.
    EagleEye,
}

impl Provider {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Evercam, Self::EagleEye];

    /// Its name in the broker.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evercam => "evercam",
            Self::EagleEye => "eagle-eye",
        }
    }

    /// The client identifier it gave the tenant.
    pub const fn client_id(self) -> &'static str {
        match self {
            Self::Evercam => EvercamConfig::DEMO_CLIENT_ID,
            Self::EagleEye => EagleEyeConfig::DEMO_CLIENT_ID,
        }
    }

    /// The secret it gave the tenant.
    pub const fn client_secret(self) -> &'static str {
        match self {
            Self::Evercam => EvercamConfig::DEMO_CLIENT_SECRET,
            Self::EagleEye => EagleEyeConfig::DEMO_CLIENT_SECRET,
        }
    }

    /// The redirect URI registered with it.
    pub const fn redirect_uri(self) -> &'static str {
        match self {
            Self::Evercam => EvercamConfig::DEMO_REDIRECT_URI,
            Self::EagleEye => EagleEyeConfig::DEMO_REDIRECT_URI,
        }
    }

    /// The scopes the tenant asks for.
    pub const fn scopes(self) -> &'static [&'static str] {
        match self {
            Self::Evercam => &["cameras:read", "camera:live_view"],
            Self::EagleEye => &["vms.all"],
        }
    }

    /// How long its access tokens live.
    pub const fn token_life(self) -> Duration {
        match self {
            Self::Evercam => Duration::from_secs(3600),
            Self::EagleEye => Duration::from_secs(12 * 3600),
        }
    }

    /// A call of its API that needs a token.
    pub const fn api_path(self) -> &'static str {
        match self {
            Self::Evercam => "/v2/cameras",
            Self::EagleEye => "/api/v3.0/users/self",
        }
    }

    /// A person with an account there, behind whichever user of the tenant.
    pub fn person(self) -> Person {
        Person::new(match self {
            Self::Evercam => "alice",
            Self::EagleEye => "a11ce001",
        })
    }

    pub(crate) const fn oauth_path(self) -> &'static str {
        match self {
            Self::Evercam => "oauth",
            Self::EagleEye => "oauth2",
        }
    }
}
