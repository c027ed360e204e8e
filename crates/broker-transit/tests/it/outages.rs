//! A service that cannot be used.

use std::time::Duration;

use broker_crypto::KeyEncryption as _;
use broker_transit::testing::Mode;
use broker_transit::{Failure, Transit};

use crate::setting::{Setting, unavailable};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn what_is_wrong_is_told_apart() {
    let setting = Setting::open().await;
    let envelope = setting.wrap(1).await.unwrap();
    setting.service.set_mode(Mode::Sealed);
    assert!(unavailable(setting.unwrap(&envelope).await).contains("sealed"));
    setting.clock.advance(SECOND);
    setting.service.set_mode(Mode::Away);
    assert!(unavailable(setting.unwrap(&envelope).await).contains("does not answer"));
    setting.clock.advance(SECOND);
    setting.service.set_mode(Mode::Serves);
    assert_eq!(setting.unwrap(&envelope).await, Ok(1));
    setting.service.delete_key();
    assert!(unavailable(setting.unwrap(&envelope).await).contains("no such key"));
}

#[tokio::test]
async fn after_a_failure_nobody_asks_for_a_second() {
    let setting = Setting::open().await;
    let envelope = setting.wrap(1).await.unwrap();
    setting.service.set_mode(Mode::Sealed);
    for _ in 0..3 {
        assert!(unavailable(setting.unwrap(&envelope).await).contains("sealed"));
        assert!(unavailable(setting.transit.primary_now().await).contains("sealed"));
    }
    assert_eq!(setting.service.calls("decrypt"), 1);
    setting.service.set_mode(Mode::Serves);
    setting.clock.advance(SECOND);
    assert_eq!(setting.unwrap(&envelope).await, Ok(1));
}

#[tokio::test]
async fn a_ciphertext_that_does_not_open_bars_nobody() {
    let setting = Setting::open().await;
    let mut damaged = setting.wrap(1).await.unwrap();
    let envelope = damaged.clone();
    let last = damaged.len() - 6;
    damaged[last] = if damaged[last] == b'A' { b'B' } else { b'A' };
    assert_eq!(setting.unwrap(&damaged).await, Err(broker_crypto::CryptoError::DoesNotOpen));
    assert_eq!(setting.unwrap(&envelope).await, Ok(1));
}

async fn waited(setting: &Setting, transit: &Transit, steps: u32) -> Result<(), Failure> {
    let stepping = async {
        for _ in 0..steps {
            setting.clock.until_slept_on().await;
            setting.clock.advance(SECOND);
        }
        std::future::pending().await
    };
    tokio::select! {
        outcome = transit.wait_until_usable(3 * SECOND) => outcome,
        () = stepping => unreachable!("it never ends"),
    }
}

#[tokio::test]
async fn a_start_waits_for_a_service_that_is_away_and_no_longer_than_it_may() {
    let setting = Setting::open().await;
    setting.service.set_mode(Mode::Sealed);
    assert_eq!(waited(&setting, &setting.transit, 3).await, Err(Failure::Sealed));
    setting.clock.advance(SECOND);
    setting.service.set_mode(Mode::Serves);
    assert_eq!(waited(&setting, &setting.transit, 0).await, Ok(()));
}

#[tokio::test]
async fn a_start_does_not_wait_for_what_somebody_must_change() {
    let setting = Setting::open().await;
    setting.service.set_token("another");
    assert_eq!(waited(&setting, &setting.transit, 0).await, Err(Failure::Denied));
}
