//! Requests that Envoy answers in place of the upstream.

use broker_e2e::access::policy;
use broker_e2e::{House, Provider};
use broker_proto::v1::GrantKey;

use super::{check, denied, headers, request};

#[tokio::test]
async fn an_absent_grant_and_a_forbidden_one_look_the_same() {
    let vending = policy("envoy", &["vend"], "acme", "evercam");
    let house = House::plan().enforce(&vending).ext_authz("").open().await;
    let eagle_eye = house.consent(Provider::EagleEye, "ada").await;
    let envoy = house.client.named("envoy");

    let forbidden = denied(check(&envoy, request(&eagle_eye, "")).await.unwrap());
    assert_eq!((forbidden.0, forbidden.1.as_str()), (403, "ACCESS_DENIED"));
    let absent = house.key(Provider::Evercam, "nobody");
    assert_eq!(denied(check(&envoy, request(&absent, "")).await.unwrap()), forbidden);
    let elsewhere = GrantKey { tenant_id: "elsewhere".to_owned(), ..absent };
    assert_eq!(denied(check(&envoy, request(&elsewhere, "")).await.unwrap()), forbidden);
    house.close().await;
}

#[tokio::test]
async fn what_is_malformed_is_told() {
    let house = House::plan().ext_authz("").open().await;
    let nameless = house.key(Provider::Evercam, "");
    let (status, reason, answer) = denied(check(&house.client, request(&nameless, "")).await.unwrap());
    assert_eq!((status, reason.as_str()), (400, "INVALID_REQUEST"));
    assert!(answer.body.contains("user_id"), "{}", answer.body);
    let (status, ..) = denied(check(&house.client, Default::default()).await.unwrap());
    assert_eq!(status, 400);
    house.close().await;
}

#[tokio::test]
async fn a_grant_that_is_over_needs_a_person() {
    let house = House::plan().ext_authz("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let revoke = broker_proto::v1::RevokeGrantRequest { key: Some(key.clone()) };
    house.client.consents().revoke_grant(revoke).await.unwrap();
    let (status, reason, _) = denied(check(&house.client, request(&key, "")).await.unwrap());
    assert_eq!((status, reason.as_str()), (424, "CONSENT_REQUIRED"));
    house.close().await;
}

#[tokio::test]
async fn a_provider_that_is_away_is_tried_again_later() {
    let mut house = House::plan().ext_authz("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    house.shut_down(Provider::Evercam).await;
    house.outlive_token(Provider::Evercam);
    let (status, reason, answer) = denied(check(&house.client, request(&key, "")).await.unwrap());
    assert_eq!(status, 503, "{reason}");
    let seconds: u64 = headers(&answer.headers)["retry-after"].parse().unwrap();
    assert!(seconds >= 1);
    house.close().await;
}
