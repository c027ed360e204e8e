//! A file that is put back under a running process begins another epoch.

use std::path::Path;

use broker_core::ports::{ClaimOutcome, Epoch, FleetStore, GrantStore, Pulse, RefreshClaim};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, key};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use crate::stores::InFile;

/// Takes the file back to what it was so many heartbeats ago, behind the store's back.
async fn put_back(database: &Path, beats: u32) {
    let mut connection = SqliteConnectOptions::new().filename(database).connect().await.unwrap();
    sqlx::query("UPDATE installation SET beats = beats - ?1, epoch = 1")
        .bind(beats)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

async fn beat(world: &World) -> Pulse {
    world.fleet.heartbeat(world.owner, NOW, NOW, NOW).await.unwrap()
}

#[tokio::test]
async fn nobody_claims_on_a_file_that_was_put_back() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    beat(&world).await;
    put_back(&file.database(), 1).await;
    let outcome = world.grants.claim_refresh(&world.claim_of(&key("ada"), 1)).await.unwrap();
    assert!(matches!(outcome, ClaimOutcome::OtherEpoch), "before anybody has noticed: {outcome:?}");
}

#[tokio::test]
async fn each_putting_back_is_another_epoch() {
    let file = InFile::fresh().await;
    let world = World::of(&file).await;
    world.grant(&key("ada")).await;
    let mut epochs = vec![beat(&world).await.epoch];
    for beats in [1, 2] {
        put_back(&file.database(), beats).await;
        let pulse = beat(&world).await;
        assert_eq!(pulse.replays_pending, 1, "its own journal, replayed in an earlier epoch");
        epochs.push(pulse.epoch);
    }
    assert_eq!(epochs, [Epoch(1), Epoch(2), Epoch(3)]);
    let claim = RefreshClaim { epoch: Epoch(3), ..world.claim_of(&key("ada"), 1) };
    let outcome = file.store.claim_refresh(&claim).await.unwrap();
    assert!(matches!(outcome, ClaimOutcome::Claimed(_)), "{outcome:?}");
    file.store.note_replayed(world.owner, Epoch(3), NOW).await.unwrap();
    assert_eq!(beat(&world).await.replays_pending, 0);
}
