//! What has become of grants of late, for who watches them.

use super::World;
use super::samples::{HOUR, NOW, after, key, key_of, record};
use crate::ports::{AttemptEnd, GrantChange};
use crate::{GrantKey, Phase, Timestamp};

impl World {
    async fn changed(&self, since: Timestamp) -> Vec<GrantKey> {
        let changes = self.grants.changed_since(since, 10).await.unwrap();
        changes.into_iter().map(|change| change.key).collect()
    }
}

pub async fn what_ended_of_late_is_known_with_its_grant(world: World) {
    world.grant(&key("ada")).await;
    assert_eq!(
        world.grants.changed_since(NOW, 10).await.unwrap(),
        [GrantChange { key: key("ada"), at: NOW }]
    );
    assert_eq!(world.changed(NOW + HOUR).await, []);

    let attempt = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.changed(NOW).await.len(), 1, "what is under way is no change yet");
    let end = AttemptEnd { at: NOW + HOUR, ..world.end_of(&attempt, Some(after(Phase::Idle, false))) };
    assert!(world.grants.close_attempt(&end).await.unwrap());
    assert_eq!(world.changed(NOW + HOUR).await, [key("ada")], "a refresh that failed");

    let revoked_at = NOW + HOUR * 2;
    world.revocations.revoke(&[key("ada")], revoked_at, &record()).await.unwrap();
    assert_eq!(world.changed(revoked_at).await, [key("ada")]);
}

pub async fn changes_of_every_tenant_are_told_newest_first_and_no_more_than_asked_for(world: World) {
    world.add_tenant("globex").await;
    let keys = [key("ada"), key_of("globex", "ada"), key("bob")];
    for key in &keys {
        world.grant(key).await;
    }
    world.revocations.revoke(&keys[1..2], NOW + HOUR, &record()).await.unwrap();
    let found = world.changed(NOW).await;
    assert!(keys.iter().all(|key| found.contains(key)), "{found:?}");
    let newest = world.grants.changed_since(NOW, 1).await.unwrap();
    assert_eq!(newest, [GrantChange { key: key_of("globex", "ada"), at: NOW + HOUR }]);
}
