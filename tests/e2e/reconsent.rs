//! Two people, two accounts at the provider: a grant stays with the one it is of.

use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::v1::{self, AuthorizationFailure, Reason};
use provider_sim::Person;

fn another(provider: Provider) -> Person {
    Person::new(match provider {
        Provider::Evercam => "bob",
        Provider::EagleEye => "b0b00001",
    })
}

/// Starts an authorization for the key, which the other person approves.
async fn approved_by_another(
    house: &House,
    provider: Provider,
    key: &v1::GrantKey,
    allow_account_change: bool,
) -> (String, String) {
    let request = v1::StartAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        allow_account_change,
        ..Default::default()
    };
    let started = read(house.client.consents().start_authorization(request).await).unwrap();
    let callback = another(provider).approve(&started.authorization_url).await.unwrap();
    (started.authorization_id, callback)
}

#[tokio::test]
async fn a_consent_of_another_person_is_refused_unless_it_is_allowed() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        assert!(house.client.grant(&key).await.unwrap().upstream_account_known, "{provider:?}");

        let (id, callback) = approved_by_another(&house, provider, &key, false).await;
        let refused = house.client.complete(&key, &callback).await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::AuthorizationInvalid), "{provider:?}");
        assert_eq!(refused.metadata("problem"), Some("ACCOUNT_CHANGED"));
        let authorization = house.client.authorization(&key.tenant_id, &id).await.unwrap();
        assert_eq!(authorization.failure(), AuthorizationFailure::AccountChanged);
        assert_eq!(house.client.grant(&key).await.unwrap().generation, 1);

        let (_, callback) = approved_by_another(&house, provider, &key, true).await;
        assert_eq!(house.client.complete(&key, &callback).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn an_import_of_a_token_the_provider_never_gave_makes_no_grant() {
    let house = House::open().await;
    let key = house.key(Provider::Evercam, "ada");
    let request = v1::ImportGrantRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        refresh_token: "never-issued".to_owned(),
        verify: true,
        ..Default::default()
    };
    let refused = read(house.client.consents().import_grant(request).await).unwrap_err();
    assert_eq!(refused.reason(), Some(Reason::ConsentRequired));
    let absent = house.client.grant(&key).await.unwrap_err();
    assert_eq!(absent.reason(), Some(Reason::GrantNotFound));
    house.close().await;
}
