//! That a provider refuses a registration, and accepts it again, is told once.

use super::World;
use super::samples::{HOUR, NOW, after, key, key_of, provider, registration_key};
use crate::ports::{AttemptEnd, RegistrationKey, RegistrationNews};
use crate::{GrantKey, Phase};

impl World {
    /// Refreshes a grant in vain: the registration rests.
    async fn reject(&self, key: &GrantKey) {
        let claim = crate::ports::RefreshClaim { at: NOW + HOUR, ..self.claim_of(key, 1) };
        let attempt = super::steps::granted(self.grants.claim_refresh(&claim).await.unwrap()).attempt;
        let end = AttemptEnd {
            pause_registration_until: Some(NOW + HOUR),
            ..self.end_of(&attempt, Some(after(Phase::Idle, false)))
        };
        assert!(self.grants.close_attempt(&end).await.unwrap());
    }

    async fn news(&self) -> RegistrationNews {
        self.scheduler.take_registration_news().await.unwrap()
    }
}

fn of(tenant: &str) -> RegistrationKey {
    RegistrationKey { tenant: super::samples::tenant_id(tenant), ..registration_key("main") }
}

pub async fn a_rejection_and_a_recovery_are_told_once(world: World) {
    world.add_tenant("globex").await;
    for tenant in ["acme", "globex"] {
        world.grant(&key_of(tenant, "ada")).await;
    }
    assert_eq!(world.news().await, RegistrationNews::default());
    world.reject(&key("ada")).await;
    world.reject(&key_of("globex", "ada")).await;
    let mut news = world.news().await;
    news.rejected.sort();
    assert_eq!((news.rejected, news.recovered), (vec![of("acme"), of("globex")], vec![]));
    assert_eq!(news.standing, [(provider(), 2)]);
    let calm = RegistrationNews { standing: vec![(provider(), 2)], ..RegistrationNews::default() };
    assert_eq!(world.news().await, calm, "told once");
    world.reject(&key("ada")).await;
    assert_eq!(world.news().await, calm, "refused still, not anew");

    world.grant(&key("bob")).await;
    let news = world.news().await;
    assert_eq!((news.rejected, news.recovered), (vec![], vec![of("acme")]));
    assert_eq!(news.standing, [(provider(), 1)]);
    world.reject(&key("ada")).await;
    assert_eq!(world.news().await.rejected, [of("acme")], "refused anew");
}

pub async fn a_recovery_that_comes_before_the_telling_is_told_with_its_rejection(world: World) {
    world.grant(&key("ada")).await;
    world.reject(&key("ada")).await;
    world.grant(&key("bob")).await;
    let news = world.news().await;
    assert_eq!((news.rejected, news.recovered), (vec![of("acme")], vec![of("acme")]));
    assert_eq!(world.news().await, RegistrationNews::default());
}

pub async fn a_registration_refused_again_before_its_recovery_was_told_has_not_recovered(world: World) {
    world.grant(&key("ada")).await;
    world.reject(&key("ada")).await;
    world.news().await;
    world.grant(&key("bob")).await;
    world.reject(&key("ada")).await;
    let news = world.news().await;
    assert_eq!((news.rejected, news.recovered), (vec![], vec![]));
    assert_eq!(news.standing, [(provider(), 1)]);
    assert!(world.registered("main").await.unwrap().rejected);
}

pub async fn of_many_who_take_the_news_one_is_told(world: World) {
    world.grant(&key("ada")).await;
    world.reject(&key("ada")).await;
    let take = || world.scheduler.take_registration_news();
    let (first, second, third) = tokio::join!(take(), take(), take());
    let told: usize = [first, second, third].map(|news| news.unwrap().rejected.len()).iter().sum();
    assert_eq!(told, 1);
}
