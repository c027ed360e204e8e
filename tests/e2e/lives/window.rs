//! Who says how long grants live: the configuration of the provider, or the registration.

use std::time::Duration;

use broker_e2e::Provider;
use broker_e2e::client::read;
use broker_e2e::house::{Plan, TENANT};
use broker_proto::v1::{GrantWindow, UpdateClientRegistrationRequest};
use prost_types::FieldMask;

use super::life::Life;

/// Where the window of Eagle Eye's grants is set, which is a week if nobody says anything.
#[derive(Debug, Clone, Copy)]
pub(super) enum SetBy {
    Provider,
    Registration,
}

/// How long grants live: idle, and in all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ends {
    pub(super) idle: Option<Duration>,
    pub(super) whole: Option<Duration>,
}

impl Ends {
    /// A life in a house where somebody has set these ends; the user has not consented yet.
    pub(super) async fn begin(self, plan: Plan, set_by: SetBy) -> Life {
        match set_by {
            SetBy::Provider => {
                let plan = plan.provider(Provider::EagleEye, &self.lines());
                Life::begin(plan, Provider::EagleEye, self.whole).await
            }
            SetBy::Registration => {
                let life = Life::begin(plan, Provider::EagleEye, self.whole).await;
                self.set_in_registration(&life).await;
                life
            }
        }
    }

    /// As lines of the provider's section.
    fn lines(self) -> String {
        let line = |name: &str, life: Option<Duration>| {
            life.map(|life| format!("{name} = \"{}s\"\n", life.as_secs()))
        };
        let lines = [("refresh_token_timeout", self.idle), ("authorization_expires_in", self.whole)];
        let lines: String = lines.into_iter().filter_map(|(name, life)| line(name, life)).collect();
        if lines.is_empty() { "permanent = true".to_owned() } else { lines }
    }

    async fn set_in_registration(self, life: &Life) {
        let proto =
            |life: Duration| prost_types::Duration { seconds: life.as_secs().try_into().unwrap(), nanos: 0 };
        let grant_window = GrantWindow {
            refresh_token_timeout: self.idle.map(proto),
            authorization_expires_in: self.whole.map(proto),
            ..Default::default()
        };
        let request = UpdateClientRegistrationRequest {
            tenant_id: TENANT.to_owned(),
            provider: Provider::EagleEye.name().to_owned(),
            registration_id: "main".to_owned(),
            grant_window: Some(grant_window),
            update_mask: Some(FieldMask { paths: vec!["grant_window".to_owned()] }),
            ..Default::default()
        };
        read(life.house.client.admin().update_client_registration(request).await).unwrap();
    }
}
