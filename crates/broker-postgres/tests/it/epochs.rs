//! A store that was put back or promoted begins another epoch, and grants no claim until everybody knows.

use broker_core::ports::{ClaimOutcome, Epoch, Pulse, RefreshClaim};
use broker_core::testing::conformance::{NOW, StoreUnderTest, World, key};

use crate::stores::InPostgres;

async fn world() -> (InPostgres, World) {
    let postgres = InPostgres::fresh().await;
    let world = World::of(&postgres).await;
    world.grant(&key("ada")).await;
    (postgres, world)
}

async fn beat(world: &World) -> Pulse {
    world.fleet.heartbeat(world.owner, NOW, NOW, NOW).await.unwrap()
}

async fn claim_in(world: &World, epoch: Epoch) -> ClaimOutcome {
    let claim = RefreshClaim { epoch, ..world.claim_of(&key("ada"), 1) };
    world.grants.claim_refresh(&claim).await.unwrap()
}

#[tokio::test]
async fn a_store_put_back_is_another_epoch() {
    let (postgres, world) = world().await;
    assert_eq!(beat(&world).await.epoch, world.epoch);
    postgres.meddle("UPDATE installation SET beats = 0").await;
    let unnoticed = claim_in(&world, world.epoch).await;
    assert!(matches!(unnoticed, ClaimOutcome::OtherEpoch), "before any heartbeat: {unnoticed:?}");
    let pulse = beat(&world).await;
    assert_eq!((pulse.epoch, pulse.replays_pending), (Epoch(world.epoch.0 + 1), 1));
    assert_eq!(beat(&world).await.epoch, pulse.epoch, "once");
    assert!(matches!(claim_in(&world, world.epoch).await, ClaimOutcome::OtherEpoch));
    assert!(matches!(claim_in(&world, pulse.epoch).await, ClaimOutcome::Claimed(_)));
}

#[tokio::test]
async fn no_epoch_comes_twice() {
    let (postgres, world) = world().await;
    postgres.meddle("UPDATE installation SET beats = 0").await;
    let second = beat(&world).await.epoch;
    postgres.meddle("UPDATE installation SET beats = 0, regressions = 0").await;
    let third = beat(&world).await.epoch;
    assert!(third > second && second > world.epoch, "{second:?} {third:?}");
}

#[tokio::test]
async fn a_promotion_is_another_epoch_before_anybody_has_noticed() {
    let (postgres, world) = world().await;
    postgres
        .meddle(
            "CREATE OR REPLACE FUNCTION store_timeline() RETURNS bigint LANGUAGE sql AS 'SELECT 77::bigint'",
        )
        .await;
    assert!(matches!(claim_in(&world, world.epoch).await, ClaimOutcome::OtherEpoch));
    assert_eq!(beat(&world).await.epoch, Epoch(77 << 32));
}
