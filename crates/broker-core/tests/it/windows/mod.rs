//! Whole lives of grants, from consent to death, in simulated time.

mod life;
pub(crate) mod lives;
mod registrations;

use std::collections::BTreeMap;
use std::time::Duration;

use broker_core::{Lifecycle, ProviderProfile, Timestamp};

use crate::world::profile;
use life::{DAY, HOUR, Life};
use lives::Policy;

/// A leap day lies ahead, or the night in which clocks in Europe are changed: 2028-02-26, 2026-03-26 and 2026-10-22, at
/// noon UTC.
const STARTS: [i64; 3] = [1_835_179_200, 1_774_526_400, 1_792_670_400];

fn start(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(seconds)
}

fn days(days: u32) -> Option<Duration> {
    Some(DAY * days)
}

fn eagle_eye(idle: Option<u32>, fixed: Option<u32>) -> (ProviderProfile, Policy) {
    let (idle, fixed) = (idle.and_then(days), fixed.and_then(days));
    let profile = ProviderProfile {
        old_access_token_dies_on_refresh: true,
        refresh_token_timeout: idle,
        authorization_expires_in: fixed,
        ..profile()
    };
    (profile, Policy { idle, fixed, repeats: false })
}

/// The notices of a window of so many hours, at their times after the consent.
fn all_notices(window: u64) -> BTreeMap<String, u64> {
    [48, 24, 4].map(|before| (format!("notices/{}s", before * 3600), window - before)).into()
}

#[tokio::test]
async fn an_evercam_grant_nobody_uses_is_kept_alive_for_four_months() {
    let profile = ProviderProfile { refresh_token_timeout: days(30), ..profile() };
    let policy = Policy { idle: days(30), ..Policy::default() };
    let life = Life::at(start(STARTS[0]), profile, policy, HOUR).await;
    life.world.consent().await.unwrap();
    life.pass(DAY * 2, false).await;
    let before = life.world.provider.calls();
    life.pass(DAY * 118, false).await;
    let rotations = life.world.provider.calls() - before;
    assert!((11..=15).contains(&rotations), "a third of its idle life: {rotations} in 118 days");
    assert_eq!(life.grant().await.lifecycle, Lifecycle::Active);
    assert!(life.records("announce_expiry").await.is_empty(), "an end that every refresh moves is no news");
    assert!(life.world.vend().await.is_ok());
    life.end().await;
}

#[tokio::test]
async fn an_eagle_eye_grant_lives_its_week_with_every_notice_once_whatever_the_calendar_does() {
    for seconds in STARTS {
        let (profile, policy) = eagle_eye(None, Some(7));
        let life = Life::at(start(seconds), profile, policy, HOUR).await;
        let consented = life.world.consent().await.unwrap().consented_at;
        life.pass(DAY * 7 - HOUR, true).await;
        assert_eq!(life.notices_since(consented).await, all_notices(168));
        assert_eq!(life.grant().await.lifecycle, Lifecycle::Active);
        life.pass(HOUR * 3, true).await;
        assert_eq!(life.grant().await.lifecycle, Lifecycle::ConsentExpired);
        assert_eq!(life.records("expire").await.len(), 1);
        // After its death.
        let again = life.world.consent().await.unwrap();
        assert_eq!((again.lifecycle, again.dies_at), (Lifecycle::Active, Some(again.consented_at + DAY * 7)));
        // And before it.
        life.pass(DAY * 6, true).await;
        let second = life.notices_since(again.consented_at).await;
        assert_eq!(second.values().copied().collect::<Vec<_>>(), [120, 144], "48 h and 24 h before");
        // A notice was given at this very instant, and belongs to the consent before.
        life.world.pass(1);
        let third = life.world.consent().await.unwrap().consented_at;
        life.pass(DAY * 7 - HOUR, false).await;
        assert_eq!(life.notices_since(third).await, all_notices(168), "a new consent begins anew");
        assert_eq!(life.grant().await.lifecycle, Lifecycle::Active);
        assert!(life.records("overrun_window").await.is_empty());
        life.end().await;
    }
}

#[tokio::test]
async fn fourteen_idle_days_are_moved_and_ninety_days_are_announced() {
    for used in [true, false] {
        let (profile, policy) = eagle_eye(Some(14), Some(90));
        let life = Life::at(start(STARTS[1]), profile, policy, HOUR * 12).await;
        let consented = life.world.consent().await.unwrap().consented_at;
        life.pass(DAY * 90 - HOUR, used).await;
        assert_eq!(life.grant().await.lifecycle, Lifecycle::Active, "used: {used}");
        assert_eq!(life.notices_since(consented).await, all_notices(90 * 24));
        life.pass(HOUR * 2, used).await;
        assert_eq!(life.grant().await.lifecycle, Lifecycle::ConsentExpired, "used: {used}");
        life.end().await;
    }
}

#[tokio::test]
async fn a_permanent_grant_whose_tokens_are_repeated_is_not_asked_for_in_vain() {
    let (profile, _) = eagle_eye(None, None);
    let policy = Policy { repeats: true, ..Policy::default() };
    let life = Life::at(start(STARTS[2]), profile, policy, HOUR * 24).await;
    life.world.consent().await.unwrap();
    life.pass(DAY * 60, true).await;
    let calls = life.world.provider.calls();
    assert!((60..=190).contains(&calls), "about two for each token, and no more: {calls}");
    assert_eq!(life.grant().await.lifecycle, Lifecycle::Active);
    assert!(life.records("announce_expiry").await.is_empty());
    life.end().await;
}

#[tokio::test]
async fn steps_of_the_brokers_clock_and_a_provider_ten_minutes_off_change_nothing() {
    for ahead in [600, -600] {
        let (profile, policy) = eagle_eye(None, Some(7));
        let life = Life::at(start(STARTS[1]), profile, policy, HOUR).await;
        life.world.provider.lives.lock().unwrap().ahead = ahead;
        let consented = life.world.consent().await.unwrap().consented_at;
        for step in [300, -300, -300, 300, 300, -300] {
            life.pass(DAY, true).await;
            life.step(step);
        }
        // Around each of the last notices, and around the end.
        life.pass(HOUR * 20, true).await;
        for step in [300, -300, 300, -300] {
            life.step(step);
            life.pass(HOUR / 4, true).await;
        }
        life.pass(HOUR * 4, true).await;
        let notices = life.notices_since(consented).await;
        assert_eq!(notices.len(), 3, "{notices:?}");
        assert_eq!(life.grant().await.lifecycle, Lifecycle::ConsentExpired, "{:?}", life.grant().await);
        assert!(life.records("overrun_window").await.is_empty());
        life.end().await;
    }
}

#[tokio::test]
async fn a_window_that_is_wrong_is_reported_once_and_the_grant_goes_on() {
    for used in [true, false] {
        let (profile, _) = eagle_eye(None, Some(7));
        let life = Life::at(start(STARTS[0]), profile, Policy::default(), HOUR * 6).await;
        life.world.consent().await.unwrap();
        life.pass(DAY * 7, used).await;
        assert!(!life.grant().await.overruns_window());
        life.pass(HOUR, used).await;
        let grant = life.grant().await;
        assert!(grant.overruns_window() && grant.lifecycle == Lifecycle::Active, "{grant:?}");
        let before = life.world.provider.calls();
        life.pass(DAY * 20, used).await;
        let calls = life.world.provider.calls() - before;
        assert!(calls <= if used { 100 } else { 4 }, "{calls}, used: {used}");
        assert_eq!(life.records("overrun_window").await.len(), 1);
        assert_eq!(life.records("announce_expiry").await.len(), 3);
        assert!(life.grant().await.overruns_window());
        life.end().await;
    }
}

#[tokio::test]
async fn of_notices_that_were_missed_only_the_last_is_given() {
    let (profile, policy) = eagle_eye(None, Some(7));
    let life = Life::at(start(STARTS[0]), profile, policy, HOUR).await;
    let consented = life.world.consent().await.unwrap().consented_at;
    life.world.clock.advance(DAY * 7 - HOUR * 3);
    life.pass(HOUR, false).await;
    let notices = life.notices_since(consented).await;
    assert_eq!(notices.keys().collect::<Vec<_>>(), ["notices/14400s"]);
    life.end().await;
}
