//! Many at once.

use broker_crypto::KeyEncryption as _;
use broker_transit::testing::Mode;
use tokio::task::JoinSet;

use crate::setting::{Setting, any_key, place};

#[tokio::test]
async fn no_more_than_sixteen_calls_are_in_flight() {
    let setting = Setting::open().await;
    setting.transit.primary_now().await.unwrap();
    setting.service.set_mode(Mode::Holds);
    let mut crowd = JoinSet::new();
    for _ in 0..40 {
        let transit = setting.transit.clone();
        crowd.spawn(async move { transit.wrap(&any_key(), place("acme")).await.map(|_| ()) });
    }
    setting.service.until_in_flight(16).await;
    setting.service.set_mode(Mode::Serves);
    assert!(crowd.join_all().await.into_iter().all(|wrapped| wrapped.is_ok()));
    assert_eq!((setting.service.calls("encrypt"), setting.service.most_in_flight()), (40, 16));
}

#[tokio::test]
async fn of_many_who_want_to_know_the_newest_version_one_asks() {
    let setting = Setting::open().await;
    let mut crowd = JoinSet::new();
    for _ in 0..20 {
        let transit = setting.transit.clone();
        crowd.spawn(async move { transit.primary().await.is_ok() });
    }
    assert!(crowd.join_all().await.into_iter().all(|known| known));
    assert_eq!(setting.service.calls("keys"), 1);
}
