//! Two replicas on Postgres. The one that works on the rotation is killed, then the one that took over.

use broker_e2e::{Client, Fleet, Site, ask};
use broker_proto::v1::{GrantKey, KeyKind, KeyRotation, KeyState};

use super::kek_file::{KekFile, NEW};
use super::load::Load;
use super::{at_once, consent, keys, move_in};
use crate::BINARY;
use crate::fleet::patience::refresh_patiently;

/// Answers of this provider that a kill loses are asked for again: no grant is lost here.
const SITE: Site = Site::Lenient;
const WORKING: &str = "working on a key rotation";

async fn furnished() -> (Fleet, Vec<GrantKey>) {
    let fleet = Fleet::plan(BINARY)
        .replicas(2)
        .children()
        .scheduler()
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", "2s")
        .rotation("tick", "200ms")
        .start()
        .await;
    let keys = move_in(fleet.client(0), SITE.kin(), SITE.name()).await;
    consent(&fleet.clients(), SITE.kin(), &keys).await;
    (fleet, keys)
}

/// Rotates keys under load, and kills whoever works on it in the middle, twice.
async fn rotate_and_kill_twice(fleet: &mut Fleet, grants: &[GrantKey], kind: KeyKind) -> KeyRotation {
    let load = Load::begin(fleet.clients(), grants);
    let mut rotation = keys::rotate_all(fleet.client(0), kind).await;
    for _ in 0..2 {
        let middle = keys::in_the_middle(fleet.client(0), &rotation).await;
        let victim = worker(fleet);
        load.goes(victim);
        fleet.take(victim).kill().await;
        rotation = keys::still_in_the_middle(fleet.client(1 - victim), &middle).await;
        fleet.restart(victim).await;
        load.comes(victim, fleet.client(victim).clone());
    }
    let ended = keys::ended(fleet.client(0), &rotation).await;
    load.end().await;
    let taken_up = [0, 1].map(|replica| times_taken_up(fleet, replica));
    assert!(taken_up.iter().sum::<usize>() > 2, "taken up so often: {taken_up:?}");
    ended
}

fn times_taken_up(fleet: &Fleet, replica: usize) -> usize {
    fleet.home_of(replica).log().matches(WORKING).count()
}

/// The replica that took the rotation up last.
fn worker(fleet: &Fleet) -> usize {
    let taken_up_at = |replica: &usize| {
        let log = fleet.home_of(*replica).log();
        let line = log.lines().rfind(|line| line.contains(WORKING))?;
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        Some(line["timestamp"].as_str().unwrap().to_owned())
    };
    [0, 1].into_iter().max_by_key(taken_up_at).unwrap()
}

/// Every token opens, and every refresh token is good for the next rotation.
async fn everything_opens(client: &Client, grants: &[GrantKey]) {
    let opening = grants.iter().map(|key| async move {
        client.token(ask(key)).await.unwrap();
        refresh_patiently(client, key).await.unwrap();
        client.token(ask(key)).await.unwrap();
    });
    at_once(opening).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn data_keys_are_rotated_under_load_by_replicas_that_are_killed_twice() {
    let (mut fleet, grants) = furnished().await;
    let rotation = rotate_and_kill_twice(&mut fleet, &grants, KeyKind::Dek).await;
    keys::nothing_is_left_behind(fleet.client(0), &rotation, KeyKind::Dek).await;
    everything_opens(fleet.client(0), &grants).await;
    everything_opens(fleet.client(1), &grants).await;

    // A day later, and the journals of that day are gone.
    let old = keys::in_state(fleet.client(0), KeyKind::Dek, KeyState::Opening).await;
    assert!(keys::retire(fleet.client(0), &old[0].key_id).await.is_err(), "too early");
    for replica in 0..2 {
        fleet.take(replica).stop().await;
    }
    fleet.database.supersede_data_keys_earlier().await;
    let home = fleet.home("a-day-later", &fleet.database);
    let later = fleet.start_stranger(&home).await;
    for key in &old {
        assert_eq!(keys::retire(&later.client, &key.key_id).await.unwrap().state(), KeyState::Retired);
    }
    assert_eq!(keys::in_state(&later.client, KeyKind::Dek, KeyState::Retired).await.len(), old.len());
    everything_opens(&later.client, &grants).await;
    later.stop().await;
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_encryption_key_is_rotated_under_load_by_replicas_that_are_killed_twice() {
    let (mut fleet, grants) = furnished().await;
    let file = KekFile::at(&fleet.kek());
    file.bring_in(&fleet.clients()).await;
    let rotation = rotate_and_kill_twice(&mut fleet, &grants, KeyKind::Kek).await;
    keys::nothing_is_left_behind(fleet.client(0), &rotation, KeyKind::Kek).await;
    let data_keys = keys::list(fleet.client(0), KeyKind::Dek).await;
    assert!(data_keys.iter().all(|key| key.wrapping_key_id == NEW), "{data_keys:#?}");
    everything_opens(fleet.client(0), &grants).await;

    let retired = keys::retire(fleet.client(1), &file.old).await.unwrap();
    assert_eq!(retired.state(), KeyState::Retired);
    file.keep_new_only();
    for replica in 0..2 {
        fleet.take(replica).stop().await;
        fleet.restart(replica).await;
        everything_opens(fleet.client(replica), &grants).await;
    }
    fleet.close().await;
}
