//! The demo user and registration at each simulated provider.

use provider_sim::{EagleEyeConfig, EvercamConfig};

/// One simulated provider, as the walk goes through it.
pub(super) struct DemoProvider {
    /// Its name in the broker.
    pub(super) name: &'static str,
    /// Where the simulator listens.
    pub(super) base_url: String,
    /// Who presses the button on its consent page.
    pub(super) person: &'static str,
    pub(super) client_id: &'static str,
    pub(super) client_secret: &'static str,
    pub(super) redirect_uri: &'static str,
    pub(super) scopes: &'static [&'static str],
    /// An API call that needs a token.
    pub(super) api_path: &'static str,
    /// Whether its token answers name the prefix of API calls.
    pub(super) names_base_url: bool,
}

impl DemoProvider {
    pub(super) fn evercam(base_url: String) -> Self {
        Self {
            name: "evercam",
            base_url,
            person: "alice",
            client_id: EvercamConfig::DEMO_CLIENT_ID,
            client_secret: EvercamConfig::DEMO_CLIENT_SECRET,
            redirect_uri: EvercamConfig::DEMO_REDIRECT_URI,
            scopes: &["cameras:read", "camera:live_view"],
            api_path: "/v2/cameras",
            names_base_url: false,
        }
    }

    pub(super) fn eagle_eye(base_url: String) -> Self {
        Self {
            name: "eagle-eye",
            base_url,
            person: "a11ce001",
            client_id: EagleEyeConfig::DEMO_CLIENT_ID,
            client_secret: EagleEyeConfig::DEMO_CLIENT_SECRET,
            redirect_uri: EagleEyeConfig::DEMO_REDIRECT_URI,
            scopes: &["vms.all"],
            api_path: "/api/v3.0/users/self",
            names_base_url: true,
        }
    }
}
