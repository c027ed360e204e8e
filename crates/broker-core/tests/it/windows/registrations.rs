//! A registration whose grants live otherwise than the provider's.

use std::time::Duration;

use broker_core::ports::{AtRiskFilter, RegistrationKey};
use broker_core::testing::conformance::actor;
use broker_core::{Clock as _, GrantWindow, RegistrationId, RegistrationUpdate};

use super::life::{DAY, HOUR};
use crate::world::{World, profile, provider, tenant};

fn window(idle: Option<u32>, fixed: Option<u32>) -> GrantWindow {
    GrantWindow {
        refresh_token_timeout: idle.map(|days| DAY * days),
        authorization_expires_in: fixed.map(|days| DAY * days),
    }
}

impl World {
    async fn set_window(&self, window: Option<GrantWindow>) {
        let id = RegistrationId::new("main").unwrap();
        let update = RegistrationUpdate {
            key: RegistrationKey { tenant: tenant(), provider: provider(), id },
            redirect_uri: None,
            scopes: None,
            return_to: None,
            grant_window: Some(window),
            allow_device_authorization: None,
            expected: None,
        };
        let kept = self.broker.update_registration(update, &actor()).await.unwrap();
        assert_eq!(kept.grant_window, window);
    }

    /// How many days after its consent the grant dies, after one more refresh.
    async fn dies_after_a_refresh(&self) -> Option<u64> {
        self.broker.refresh_grant(&crate::world::key(), None).await.unwrap();
        let grant = self.grant().await;
        grant.dies_at.map(|dies| dies.since(grant.consented_at).as_secs() / 86_400)
    }

    async fn at_risk(&self, within: Duration) -> usize {
        let until = self.clock.now() + within;
        let filter = AtRiskFilter { tenant: tenant(), provider: None, until, after: None, limit: 10 };
        self.broker.at_risk_grants(&filter).await.unwrap().len()
    }
}

#[tokio::test]
async fn its_window_holds_from_each_grants_next_token_set_on() {
    let week = Some(DAY * 7);
    let world =
        World::with(broker_core::ProviderProfile { authorization_expires_in: week, ..profile() }).await;
    world.set_window(Some(window(Some(14), Some(90)))).await;
    let grant = world.grant().await;
    assert_eq!(grant.dies_at, Some(grant.consented_at + DAY * 7), "not yet");
    assert_eq!(world.dies_after_a_refresh().await, Some(14));
    world.set_window(Some(window(None, Some(30)))).await;
    assert_eq!(world.dies_after_a_refresh().await, Some(30));
    world.set_window(Some(GrantWindow::PERMANENT)).await;
    assert_eq!(world.dies_after_a_refresh().await, None);
    world.set_window(None).await;
    assert_eq!(world.dies_after_a_refresh().await, Some(7));
    let again = world.consent().await.unwrap();
    assert_eq!(again.dies_at, Some(again.consented_at + DAY * 7));
}

#[tokio::test]
async fn whoever_dies_soon_is_at_risk() {
    let world = World::empty(profile()).await;
    world.set_window(Some(window(None, Some(7)))).await;
    world.consent().await.unwrap();
    assert_eq!((world.at_risk(DAY * 6).await, world.at_risk(DAY * 7).await), (0, 1));
    world.pass(5 * 86_400);
    assert_eq!((world.at_risk(HOUR).await, world.at_risk(DAY * 2).await), (0, 1));
}
