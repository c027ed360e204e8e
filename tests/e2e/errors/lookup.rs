//! What is not there, and what must look as if it were not.

use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GrantKey, ListGrantsRequest, Reason, RefreshGrantRequest};
use tonic::Code;

use super::{bytes, refused};

const NOBODY: &str = "0190b4e2-0000-7000-8000-000000000000";

#[tokio::test]
async fn another_tenants_grant_looks_like_none_at_all() {
    let house = House::open().await;
    let held = house.consent(Provider::Evercam, "ada").await;
    house.client.create_tenant("rival").await.unwrap();
    house.client.register(registration("rival", Provider::Evercam)).await.unwrap();
    let of = |tenant: &str, user: &str| GrantKey {
        tenant_id: tenant.to_owned(),
        user_id: user.to_owned(),
        ..held.clone()
    };
    let keys = [of("rival", "ada"), of("acme", "nobody"), of("unknown", "ada")];

    let mut vended = Vec::new();
    let mut refreshed = Vec::new();
    for key in keys {
        vended.push(house.client.tokens().get_access_token(ask(&key)).await.unwrap_err());
        let request = RefreshGrantRequest { key: Some(key) };
        refreshed.push(house.client.admin().refresh_grant(request).await.unwrap_err());
    }

    for statuses in [vended, refreshed] {
        let answer: Result<(), _> = read(Err(statuses[0].clone()));
        refused(answer, Code::NotFound, Reason::GrantNotFound);
        assert!(statuses.iter().all(|status| bytes(status) == bytes(&statuses[0])), "{statuses:?}");
    }
    assert_eq!(house.vend(&held).await.unwrap().generation, 1);
    house.close().await;
}

#[tokio::test]
async fn an_unknown_tenant_has_no_grants_to_list_and_no_client_to_start_with() {
    let house = House::open().await;
    let request = ListGrantsRequest { tenant_id: "unknown".to_owned(), ..Default::default() };
    let listed = read(house.client.admin().list_grants(request).await);
    refused(listed, Code::NotFound, Reason::GrantNotFound);
    let registered = house.client.register(registration("unknown", Provider::Evercam)).await;
    refused(registered, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}

#[tokio::test]
async fn a_tenant_that_is_no_client_of_the_provider_cannot_start() {
    let house = House::open().await;
    house.client.create_tenant("fresh").await.unwrap();
    let key = GrantKey { tenant_id: "fresh".to_owned(), ..house.key(Provider::Evercam, "ada") };
    let started = house.client.start(&key).await;
    refused(started, Code::FailedPrecondition, Reason::NoClientRegistration);
    house.close().await;
}

#[tokio::test]
async fn an_authorization_is_found_by_its_own_tenant_alone() {
    let house = House::open().await;
    house.client.create_tenant("rival").await.unwrap();
    let started = house.client.start(&house.key(Provider::Evercam, "ada")).await.unwrap();
    for (tenant, id) in
        [("rival", started.authorization_id.as_str()), ("acme", NOBODY), ("acme", "not an id"), ("acme", "")]
    {
        let found = house.client.authorization(tenant, id).await;
        refused(found, Code::NotFound, Reason::AuthorizationNotFound);
    }
    assert!(house.client.authorization("acme", &started.authorization_id).await.is_ok());
    house.close().await;
}

#[tokio::test]
async fn a_name_is_given_once() {
    let house = House::open().await;
    let again = house.client.create_tenant("acme").await;
    refused(again, Code::AlreadyExists, Reason::AlreadyExists);
    let again = house.client.register(registration("acme", Provider::EagleEye)).await;
    refused(again, Code::AlreadyExists, Reason::AlreadyExists);
    house.close().await;
}
