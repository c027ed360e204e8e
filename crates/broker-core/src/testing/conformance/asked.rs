//! When callers last asked for a grant, and whether its registration works.

use super::World;
use super::samples::{HOUR, NOW, SECOND, key, provider, record, registration, registration_id};
use crate::{GrantKey, RegistrationId, Timestamp};

impl World {
    async fn asked(&self, key: &GrantKey) -> Option<Timestamp> {
        let generation = self.read(key).await.generation.get();
        let claimed = self.claim(key, generation).await;
        self.adopt_refresh(&claimed.attempt).await;
        claimed.asked_at
    }

    async fn works_except(&self, user: &str, registration: &RegistrationId, since: Timestamp) -> bool {
        let (tenant, provider, except) = (key(user).tenant, provider(), key(user).grant_id());
        let asked = self.grants.registration_works_since(&tenant, &provider, registration, except, since);
        asked.await.unwrap()
    }
}

pub async fn the_latest_time_stands(world: World) {
    world.grant(&key("ada")).await;
    assert_eq!(world.asked(&key("ada")).await, None);
    for (noted, stands) in [(5, 5), (9, 9), (7, 9)] {
        world.grants.note_asked(&[(key("ada"), NOW + SECOND * noted)]).await.unwrap();
        assert_eq!(world.asked(&key("ada")).await, Some(NOW + SECOND * stands));
    }
}

pub async fn many_are_noted_at_once_and_strangers_passed_over(world: World) {
    for user in ["ada", "bob"] {
        world.grant(&key(user)).await;
    }
    let asked = ["ada", "nobody", "bob", "ada"].iter().zip(1u32..);
    let asked: Vec<_> = asked.map(|(user, n)| (key(user), NOW + SECOND * n)).collect();
    world.grants.note_asked(&asked).await.unwrap();
    world.grants.note_asked(&[]).await.unwrap();
    assert_eq!(world.asked(&key("ada")).await, Some(NOW + SECOND * 4));
    assert_eq!(world.asked(&key("bob")).await, Some(NOW + SECOND * 3));
    world.grant(&key("nobody")).await;
    assert_eq!(world.asked(&key("nobody")).await, None);
}

pub async fn noting_changes_nothing_of_the_grant(world: World) {
    let before = world.grant(&key("ada")).await;
    world.grants.note_asked(&[(key("ada"), NOW + HOUR)]).await.unwrap();
    assert_eq!(world.read(&key("ada")).await, before);
}

pub async fn a_registration_works_if_another_of_its_grants_was_refreshed(world: World) {
    let second = RegistrationId::new("second").unwrap();
    world.tenants.create_registration(&registration("acme", "second", NOW), None, &record()).await.unwrap();
    world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    assert!(!world.works_except("ada", &registration_id(), NOW).await, "a consent is not a refresh");
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    world.adopt_refresh(&refresh).await;
    assert!(world.works_except("bob", &registration_id(), NOW).await);
    assert!(!world.works_except("bob", &registration_id(), NOW + SECOND).await, "that was before");
    assert!(!world.works_except("ada", &registration_id(), NOW).await, "that was the grant itself");
    assert!(!world.works_except("bob", &second, NOW).await, "that was another registration");
}
