//! One broker on SQLite, which is killed and started again.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GrantKey, GrantPhase, GrantState, KeyKind, KeyRotation, KeyState, NeedsConsentCause};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _};

use super::kek_file::{KekFile, NEW};
use super::load::Load;
use super::{at_once, consent, keys, move_in};
use crate::BINARY;
use crate::fleet::patience::refresh_patiently;

/// Refreshes that may have been in flight at a kill.
const IN_FLIGHT: usize = 2;
const KILLS: usize = 2;

async fn furnished() -> (House, Vec<GrantKey>) {
    let house = House::plan()
        .child(BINARY)
        .rotation("heartbeat", "500ms")
        .rotation("death_detection", "2s")
        .rotation("connect_timeout", "1s")
        .rotation("provider_timeout", "2s")
        .rotation("lease_ttl", "4s")
        .rotation("orphan_wait", "4s")
        .rotation("tick", "200ms")
        .open()
        .await;
    let kin = Provider::Evercam;
    let keys = move_in(&house.client, kin, kin.name()).await;
    consent(std::slice::from_ref(&house.client), kin, &keys).await;
    (house, keys)
}

async fn rotate_and_kill_twice(house: &mut House, grants: &[GrantKey], kind: KeyKind) -> KeyRotation {
    let load = Load::begin(vec![house.client.clone()], grants);
    let mut rotation = keys::rotate_all(&house.client, kind).await;
    for _ in 0..KILLS {
        let middle = keys::in_the_middle(&house.client, &rotation).await;
        load.goes(0);
        house.kill().await;
        house.restart().await;
        rotation = keys::still_in_the_middle(&house.client, &middle).await;
        load.comes(0, house.client.clone());
    }
    let ended = keys::ended(&house.client, &rotation).await;
    load.end().await;
    ended
}

/// Every token opens, and every refresh token is good for the next rotation; but for those that a kill lost on the wire.
async fn everything_opens(house: &House, grants: &[GrantKey]) {
    let lost = AtomicUsize::new(0);
    let opening = grants.iter().map(|key| open(house, key, &lost));
    at_once(opening).await;
    let lost = lost.into_inner();
    assert!(lost <= KILLS * IN_FLIGHT, "{lost} grants were lost");
}

async fn open(house: &House, key: &GrantKey, lost: &AtomicUsize) {
    house.client.token(ask(key)).await.unwrap();
    let mut grant = house.client.grant(key).await.unwrap();
    while grant.state() == GrantState::Active && grant.phase() != GrantPhase::Idle {
        // Its error, if any, is what the grant says then.
        let _ = refresh_patiently(&house.client, key).await;
        grant = house.client.grant(key).await.unwrap();
    }
    if grant.state() == GrantState::NeedsConsent {
        assert_eq!(grant.needs_consent_cause(), NeedsConsentCause::LostRotation, "{grant:?}");
        lost.fetch_add(1, Ordering::Relaxed);
        return;
    }
    refresh_patiently(&house.client, key).await.unwrap();
    house.client.token(ask(key)).await.unwrap();
}

/// A day passes for the keys: the store says so, and the journals of that day are gone.
async fn a_day_later(house: &mut House) {
    house.stop().await;
    let options = SqliteConnectOptions::new().filename(house.data().join("broker.db"));
    let mut connection = options.connect().await.unwrap();
    let earlier = "UPDATE data_keys SET superseded_at = superseded_at - 90000000000";
    sqlx::query(earlier).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    fs::remove_dir_all(house.data().join("escrow")).unwrap();
    house.restart().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn data_keys_are_rotated_under_load_by_a_broker_that_is_killed_twice() {
    let (mut house, grants) = furnished().await;
    let rotation = rotate_and_kill_twice(&mut house, &grants, KeyKind::Dek).await;
    keys::nothing_is_left_behind(&house.client, &rotation, KeyKind::Dek).await;
    everything_opens(&house, &grants).await;

    let old = keys::in_state(&house.client, KeyKind::Dek, KeyState::Opening).await;
    assert!(keys::retire(&house.client, &old[0].key_id).await.is_err(), "too early");
    a_day_later(&mut house).await;
    for key in &old {
        assert_eq!(keys::retire(&house.client, &key.key_id).await.unwrap().state(), KeyState::Retired);
    }
    assert_eq!(keys::in_state(&house.client, KeyKind::Dek, KeyState::Retired).await.len(), old.len());
    everything_opens(&house, &grants).await;
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_encryption_key_is_rotated_under_load_by_a_broker_that_is_killed_twice() {
    let (mut house, grants) = furnished().await;
    let file = KekFile::at(&house.kek());
    file.bring_in(std::slice::from_ref(&house.client)).await;
    let rotation = rotate_and_kill_twice(&mut house, &grants, KeyKind::Kek).await;
    keys::nothing_is_left_behind(&house.client, &rotation, KeyKind::Kek).await;
    let data_keys = keys::list(&house.client, KeyKind::Dek).await;
    assert!(data_keys.iter().all(|key| key.wrapping_key_id == NEW), "{data_keys:#?}");

    let retired = keys::retire(&house.client, &file.old).await.unwrap();
    assert_eq!(retired.state(), KeyState::Retired);
    file.keep_new_only();
    house.stop().await;
    house.restart().await;
    everything_opens(&house, &grants).await;
    house.close().await;
}
