//! Clocks that are wrong: the broker's is put right again and again, and the provider's is ten minutes off.

use std::time::{Duration, UNIX_EPOCH};

use broker_e2e::Provider;
use broker_proto::v1::{EventType, GrantState};
use provider_sim::{EagleEyeConfig, GrantPolicy};

use super::life::Life;
use super::week::{WEEK, plan};
use super::{DAY, HOUR, NOTICES};

const TEN_MINUTES: i64 = 600;
const FIVE_MINUTES: i64 = 300;

#[tokio::test]
async fn a_provider_whose_clock_is_ahead_changes_nothing() {
    steps_change_nothing(TEN_MINUTES).await;
}

#[tokio::test]
async fn a_provider_whose_clock_is_behind_changes_nothing() {
    steps_change_nothing(-TEN_MINUTES).await;
}

async fn steps_change_nothing(ahead: i64) {
    let short = EagleEyeConfig {
        access_ttl: HOUR * 3,
        grant_policy: GrantPolicy::fixed7(),
        ..EagleEyeConfig::demo()
    };
    let mut life = Life::begin(plan().eagle_eye(short), Provider::EagleEye, Some(WEEK)).await.used();
    put_providers_ahead(&life, ahead);
    life.consent().await;
    for back in [false, true, true, false, false, true] {
        life.pass(DAY).await;
        step(&mut life, back).await;
    }
    // Around the last notice, and around the end.
    life.pass(HOUR * 20).await;
    for back in [false, true, false, true] {
        step(&mut life, back).await;
        life.pass(HOUR / 4).await;
    }
    assert_eq!((life.notices(), life.grant().await.state()), (NOTICES.to_vec(), GrantState::Active));
    life.pass(HOUR * 3).await;
    step(&mut life, true).await;
    life.pass(HOUR).await;
    dies_once(&life).await;
    life.house.close().await;
}

async fn dies_once(life: &Life) {
    let grant = life.grant().await;
    assert_eq!((grant.state(), grant.window_overrun), (GrantState::ConsentExpired, false));
    let turns = life.told.turns();
    assert_eq!((turns.len(), turns.last()), (2 + NOTICES.len(), Some(&EventType::GrantExpired)), "{turns:?}");
    assert_eq!((life.refreshes().1, life.waits), (1, 0), "no refresh token is shown twice, and nobody waits");
}

/// Those of both providers are one clock.
fn put_providers_ahead(life: &Life, by: i64) {
    let theirs = Duration::from_secs(u64::try_from(life.house.clock.seconds() + by).unwrap());
    life.house.simulator(Provider::EagleEye).clock().set(UNIX_EPOCH + theirs);
}

/// The broker's clock is put five minutes forward, or back, and the provider's is not.
async fn step(life: &mut Life, back: bool) {
    life.house.clock.step(if back { -FIVE_MINUTES } else { FIVE_MINUTES });
    life.pass(Duration::from_secs(1)).await;
}
