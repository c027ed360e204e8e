//! Scopes and rates.

use std::time::Duration;

use broker_e2e::access::policy;
use broker_e2e::client::{read, vending_policy};
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{CreateAccessPolicyRequest, Reason, StartAuthorizationRequest};
use tonic::Code;

use crate::errors::refused;

#[tokio::test]
async fn a_token_of_more_scopes_than_allowed_is_not_vended() {
    let house = House::plan().enforce("").open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let scopes = house.vend(&key).await.unwrap().scopes;
    assert!(scopes.len() > 1, "{scopes:?}");
    for (name, max_scopes) in [("all", scopes.clone()), ("less", scopes[1..].to_vec())] {
        let policy = CreateAccessPolicyRequest { max_scopes, ..vending_policy(name, "acme") };
        house.client.create_policy(policy).await.unwrap();
    }
    assert_eq!(house.client.named("all").token(ask(&key)).await.unwrap().generation, 1);
    refused(house.client.named("less").token(ask(&key)).await, Code::PermissionDenied, Reason::AccessDenied);
    house.close().await;
}

#[tokio::test]
async fn a_consent_to_more_scopes_than_allowed_is_not_started() {
    let limited = policy("portal", &["consent"], "acme", "*") + "max_scopes = [\"cameras:read\"]\n";
    let house = House::plan().enforce(&limited).open().await;
    let start = async |scopes: &[&str]| {
        let request = StartAuthorizationRequest {
            tenant_id: "acme".to_owned(),
            provider: "evercam".to_owned(),
            user_id: "ada".to_owned(),
            scopes: scopes.iter().map(ToString::to_string).collect(),
            ..Default::default()
        };
        read(house.client.named("portal").consents().start_authorization(request).await)
    };
    start(&["cameras:read"]).await.unwrap();
    for more in [&["cameras:read", "camera:live_view"] as &[&str], &[]] {
        refused(start(more).await, Code::PermissionDenied, Reason::AccessDenied);
    }
    house.close().await;
}

#[tokio::test]
async fn who_is_over_the_rate_is_told_when_to_come_again() {
    let slow = policy("jwt:ci", &["vend"], "acme", "*") + "requests_per_second = 2\n";
    let house = House::plan().enforce(&slow).open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let caller = house.client.named("jwt:ci");
    for _ in 0..2 {
        caller.token(ask(&key)).await.unwrap();
    }
    let error = refused(caller.token(ask(&key)).await, Code::ResourceExhausted, Reason::TenantRateLimited);
    assert_eq!(error.retry_delay(), Some(Duration::from_millis(500)));
    house.vend(&key).await.unwrap();
    house.clock.advance(Duration::from_millis(500));
    caller.token(ask(&key)).await.unwrap();
    house.close().await;
}
