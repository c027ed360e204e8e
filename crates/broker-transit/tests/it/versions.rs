//! Wrapping, unwrapping, and versions of the key.

use std::time::Duration;

use broker_crypto::{
    CryptoError, KekId, KeyEncryption as _, KeyPurpose, WrappingPlace, service_envelope, wrapping_key,
};

use crate::setting::{Setting, place, unavailable};

fn kek(version: u32) -> KekId {
    KekId::new(&format!("transit.broker.v{version}")).unwrap()
}

#[tokio::test]
async fn what_is_wrapped_opens_at_its_place_alone_and_names_its_version() {
    let setting = Setting::open().await;
    let envelope = setting.wrap(42).await.unwrap();
    assert_eq!(wrapping_key(&envelope), Some(kek(1)));
    assert!(!envelope.windows(32).any(|bytes| bytes == [42; 32]), "the key stands there in the clear");
    assert_eq!(setting.unwrap(&envelope).await, Ok(42));
    let repurposed = WrappingPlace { purpose: KeyPurpose::Rotation, ..place("acme") };
    for elsewhere in [place("other"), repurposed] {
        let refused = setting.transit.unwrap(&envelope, elsewhere).await;
        assert_eq!(refused.unwrap_err(), CryptoError::DoesNotOpen);
    }
}

#[tokio::test]
async fn a_new_version_wraps_at_once_and_the_old_one_unwraps_as_long_as_it_may() {
    let setting = Setting::open().await;
    let old = setting.wrap(1).await.unwrap();
    setting.service.rotate();
    assert_eq!(
        setting.transit.primary().await.unwrap(),
        kek(1),
        "what was seen just now is not asked for again"
    );
    assert_eq!(setting.transit.primary_now().await.unwrap(), kek(2));
    assert_eq!(setting.transit.primary().await.unwrap(), kek(2));
    setting.service.rotate();
    let new = setting.wrap(2).await.unwrap();
    assert_eq!(wrapping_key(&new), Some(kek(3)));
    assert_eq!(setting.transit.primary().await.unwrap(), kek(3), "learnt from what was wrapped");
    assert_eq!((setting.unwrap(&old).await, setting.unwrap(&new).await), (Ok(1), Ok(2)));
    assert_eq!(setting.transit.ids(), [kek(1), kek(2), kek(3)]);

    setting.service.set_min_decryption_version(3);
    assert_eq!(setting.unwrap(&old).await, Err(CryptoError::UnknownKey("transit.broker.v1".into())));
    assert_eq!(setting.unwrap(&new).await, Ok(2));
}

#[tokio::test]
async fn the_newest_version_is_asked_for_again_after_a_while() {
    let setting = Setting::open().await;
    assert_eq!(setting.transit.primary().await.unwrap(), kek(1));
    setting.service.rotate();
    setting.clock.advance(Duration::from_secs(10));
    assert_eq!(setting.transit.primary().await.unwrap(), kek(2));
    assert_eq!(setting.service.calls("keys"), 2);
}

#[tokio::test]
async fn what_others_wrapped_is_told_without_a_call() {
    let setting = Setting::open().await;
    for other in ["kek-1", "transit.other.v1"] {
        let envelope = service_envelope(&KekId::new(other).unwrap(), "vault:v1:AAAA");
        assert_eq!(setting.unwrap(&envelope).await, Err(CryptoError::UnknownKey(other.into())));
        assert!(!setting.transit.holds(&KekId::new(other).unwrap()));
    }
    let renamed = service_envelope(&kek(2), "vault:v1:AAAA");
    assert_eq!(setting.unwrap(&renamed).await, Err(CryptoError::Malformed));
    assert_eq!(setting.unwrap(b"\x01").await, Err(CryptoError::Malformed));
    assert_eq!(setting.service.calls("decrypt"), 0);
    assert!(setting.transit.holds(&kek(9)));
}

#[tokio::test]
async fn a_key_that_is_not_there_is_never_made_by_wrapping() {
    let setting = Setting::open().await;
    setting.service.delete_key();
    assert!(unavailable(setting.wrap(1).await).contains("no such key"));
    assert_eq!(setting.service.calls("encrypt"), 0);
}

#[tokio::test]
async fn a_key_of_another_type_is_refused() {
    let setting = Setting::open().await;
    setting.service.set_type("rsa-4096");
    let failure = setting.transit.wait_until_usable(Duration::from_secs(30)).await.unwrap_err();
    assert!(failure.to_string().contains("aes256-gcm96"), "{failure}");
}
