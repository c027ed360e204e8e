//! What a store that outlives its process keeps.

use super::samples::{NOW, key, tenant_id};
use super::{DurableStore, World};
use crate::ports::{OwnerFate, SentOutcome};

pub async fn a_restart_keeps_everything<S: DurableStore>() {
    let store = S::fresh().await;
    let world = World::of(&store).await;
    let ada = world.grant(&key("ada")).await;
    world.grant(&key("bob")).await;
    let open = world.claim(&key("bob"), 1).await.attempt;
    let bob = world.read(&key("bob")).await;
    drop(world);

    let store = store.reopen().await;
    let world = World::run(&store, 8).await;
    assert_eq!(world.read(&key("ada")).await, ada);
    assert_eq!(world.read(&key("bob")).await, bob);
    assert_eq!(world.kept(&open).await, open);
    assert!(world.tenants.tenant(&tenant_id("acme")).await.unwrap().is_some());
    assert_eq!(world.claim(&key("ada"), 1).await.refresh_token.as_bytes(), b"refresh 1");
}

pub async fn a_restart_keeps_installation_epoch_and_replicas<S: DurableStore>() {
    let store = S::fresh().await;
    let world = World::of(&store).await;
    let before = world.fleet.heartbeat(world.owner, NOW, NOW, NOW).await.unwrap();
    drop(world);

    let store = store.reopen().await;
    let world = World::run(&store, 8).await;
    let since = world.fleet.heartbeat(world.owner, NOW, NOW, NOW).await.unwrap();
    assert_eq!((since.installation, since.epoch), (before.installation, before.epoch));
    assert_eq!(since.alive, 2, "the earlier run is not known to be gone");
}

pub async fn a_start_finds_what_the_last_run_left_open<S: DurableStore>() {
    let store = S::fresh().await;
    let world = World::of(&store).await;
    world.grant(&key("ada")).await;
    let refresh = world.claim(&key("ada"), 1).await.attempt;
    assert_eq!(world.send_at(&refresh, NOW).await, SentOutcome::Marked);
    let (exchange, _) = world.exchange(&key("bob")).await;
    world.fleet.leave(world.owner, NOW).await.unwrap();
    drop(world);

    let store = store.reopen().await;
    let world = World::run(&store, 8).await;
    let mut orphans = world.grants.orphans(world.owner, NOW, 10).await.unwrap();
    orphans.sort_by_key(|orphan| orphan.attempt.key.user.clone());
    assert_eq!([orphans[0].attempt.id, orphans[1].attempt.id], [refresh.id, exchange.id]);
    assert_eq!([orphans[0].first_sent_at, orphans[1].first_sent_at], [Some(NOW), None]);
    assert!(matches!(orphans[0].owner, OwnerFate { drained_at: Some(NOW), .. }));
}
