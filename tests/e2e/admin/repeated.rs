//! A create that is sent twice makes one resource.

use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider};
use broker_proto::v1::{
    AddClientSecretRequest, CreateClientRegistrationRequest, CreateTenantRequest, Reason,
};
use std::time::Duration;
use tonic::Code;

use crate::errors::{bad_fields, refused};

const ID: &str = "0190b4e2-0000-7000-8000-000000000001";

#[tokio::test]
async fn a_tenant() {
    let house = House::open().await;
    let request = CreateTenantRequest {
        tenant_id: "globex".to_owned(),
        display_name: "Globex".to_owned(),
        request_id: ID.to_owned(),
    };
    let create = async |request| read(house.client.admin().create_tenant(request).await);
    let made = create(request.clone()).await.unwrap();
    house.clock.advance(Duration::from_secs(3600));
    assert_eq!(create(request.clone()).await.unwrap(), made);
    let other = CreateTenantRequest { display_name: "Other".to_owned(), ..request.clone() };
    assert_eq!(bad_fields(create(other).await), ["request_id"]);
    let nonsense = CreateTenantRequest { request_id: "seven".to_owned(), ..request.clone() };
    assert_eq!(bad_fields(create(nonsense).await), ["request_id"]);
    house.clock.advance(Duration::from_secs(86_400));
    refused(create(request).await, Code::AlreadyExists, Reason::AlreadyExists);
    house.close().await;
}

#[tokio::test]
async fn a_registration() {
    let house = House::open().await;
    let request = CreateClientRegistrationRequest {
        registration_id: "second".to_owned(),
        request_id: ID.to_owned(),
        ..registration("acme", Provider::Evercam)
    };
    let made = house.client.register(request.clone()).await.unwrap();
    assert_eq!(house.client.register(request.clone()).await.unwrap(), made);
    for other in [
        CreateClientRegistrationRequest { client_id: "other".to_owned(), ..request.clone() },
        CreateClientRegistrationRequest { client_secret: "other".to_owned(), ..request },
    ] {
        assert_eq!(bad_fields(house.client.register(other).await), ["request_id"]);
    }
    house.close().await;
}

#[tokio::test]
async fn a_secret() {
    let house = House::open().await;
    let request = AddClientSecretRequest {
        tenant_id: "acme".to_owned(),
        provider: "evercam".to_owned(),
        registration_id: "main".to_owned(),
        client_secret: "another".to_owned(),
        prefer: false,
        request_id: ID.to_owned(),
    };
    let add = async |request| read(house.client.admin().add_client_secret(request).await);
    assert_eq!(add(request.clone()).await.unwrap().secret_id, "2");
    let again = add(request.clone()).await.unwrap();
    assert_eq!((again.secret_id.as_str(), again.client_registration.unwrap().secrets.len()), ("2", 2));
    let other = AddClientSecretRequest { client_secret: "different".to_owned(), ..request };
    assert_eq!(bad_fields(add(other).await), ["request_id"]);
    house.close().await;
}
