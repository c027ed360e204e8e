//! Which client registration a consent goes through.

use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider};
use broker_proto::v1::{CreateClientRegistrationRequest, GrantKey, StartAuthorizationRequest};

#[tokio::test]
async fn a_grant_stays_with_the_registration_that_minted_it() {
    let house = House::open().await;
    let provider = Provider::Evercam;
    let ada = house.consent(provider, "ada").await;
    let second = CreateClientRegistrationRequest {
        registration_id: "second".to_owned(),
        ..registration("acme", provider)
    };
    house.client.register(second).await.unwrap();

    house.consent(provider, "ada").await;
    house.consent(provider, "bob").await;
    let bob = house.key(provider, "bob");
    assert_eq!(registration_of(&house, &ada).await, (2, "main".to_owned()));
    assert_eq!(
        registration_of(&house, &bob).await,
        (1, "main".to_owned()),
        "a tenant's first is its default"
    );

    consent_through(&house, &bob, "second").await;
    assert_eq!(registration_of(&house, &bob).await, (2, "second".to_owned()));
    house.consent(provider, "bob").await;
    house.client.refresh(&bob).await.unwrap();
    assert_eq!(registration_of(&house, &bob).await, (4, "second".to_owned()));
    house.close().await;
}

async fn registration_of(house: &House, key: &GrantKey) -> (u64, String) {
    let grant = house.client.grant(key).await.unwrap();
    (grant.generation, grant.registration_id)
}

async fn consent_through(house: &House, key: &GrantKey, registration: &str) {
    let start = StartAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        registration_id: registration.to_owned(),
        ..Default::default()
    };
    let started = read(house.client.consents().start_authorization(start).await).unwrap();
    let callback = Provider::Evercam.person().approve(&started.authorization_url).await.unwrap();
    house.client.complete(key, &callback).await.unwrap();
}
