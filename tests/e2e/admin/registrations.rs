use std::time::Duration;

use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider};
use broker_proto::v1::{
    CreateClientRegistrationRequest, DeleteClientRegistrationRequest, GetClientRegistrationRequest,
    ListClientRegistrationsRequest, Reason, UpdateClientRegistrationRequest,
};
use prost_types::FieldMask;
use provider_sim::{Endpoint, Fault, FaultBody, When};
use tonic::Code;

use crate::errors::{bad_fields, refused};

const PROVIDER: Provider = Provider::Evercam;

fn named(id: &str) -> CreateClientRegistrationRequest {
    CreateClientRegistrationRequest { registration_id: id.to_owned(), ..registration("acme", PROVIDER) }
}

fn update(paths: &[&str]) -> UpdateClientRegistrationRequest {
    UpdateClientRegistrationRequest {
        tenant_id: "acme".to_owned(),
        provider: PROVIDER.name().to_owned(),
        registration_id: "main".to_owned(),
        update_mask: Some(FieldMask { paths: paths.iter().map(ToString::to_string).collect() }),
        ..Default::default()
    }
}

fn deletion(id: &str, etag: &str) -> DeleteClientRegistrationRequest {
    DeleteClientRegistrationRequest {
        tenant_id: "acme".to_owned(),
        provider: PROVIDER.name().to_owned(),
        registration_id: id.to_owned(),
        etag: etag.to_owned(),
    }
}

#[tokio::test]
async fn registrations_are_listed_oldest_first() {
    let house = House::open().await;
    for id in ["young", "elder"] {
        house.clock.advance(Duration::from_secs(1));
        house.client.register(named(id)).await.unwrap();
    }
    let mut request =
        ListClientRegistrationsRequest { tenant_id: "acme".to_owned(), page_size: 3, ..Default::default() };
    let mut listed = Vec::new();
    loop {
        let page = read(house.client.admin().list_client_registrations(request.clone()).await).unwrap();
        listed.extend(page.client_registrations.into_iter().map(|r| (r.provider, r.registration_id)));
        if page.next_page_token.is_empty() {
            break;
        }
        request.page_token = page.next_page_token;
    }
    let of = |provider: &str, id: &str| (provider.to_owned(), id.to_owned());
    let expected =
        [of("eagle-eye", "main"), of("evercam", "main"), of("evercam", "young"), of("evercam", "elder")];
    assert_eq!(listed, expected);
    let nobody = ListClientRegistrationsRequest { tenant_id: "nobody".to_owned(), ..Default::default() };
    let listed = read(house.client.admin().list_client_registrations(nobody).await);
    refused(listed, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}

#[tokio::test]
async fn a_registration_is_changed_where_the_mask_says() {
    let house = House::open().await;
    let before = super::registration(&house, "acme", PROVIDER).await;
    let change = async |request| read(house.client.admin().update_client_registration(request).await);
    let moved = UpdateClientRegistrationRequest {
        redirect_uri: "https://app.example/new".to_owned(),
        scopes: vec!["ignored".to_owned()],
        etag: before.etag.clone(),
        ..update(&["redirect_uri"])
    };
    let after = change(moved.clone()).await.unwrap().client_registration.unwrap();
    assert_eq!((after.redirect_uri.as_str(), &after.scopes), ("https://app.example/new", &before.scopes));
    assert_ne!(after.etag, before.etag);
    refused(change(moved).await, Code::Aborted, Reason::EtagMismatch);

    let bad = UpdateClientRegistrationRequest {
        redirect_uri: "http://app.example/".to_owned(),
        scopes: vec!["two words".to_owned()],
        ..update(&["redirect_uri", "scopes"])
    };
    assert_eq!(bad_fields(change(bad).await), ["redirect_uri", "scopes[0]"]);
    assert_eq!(bad_fields(change(update(&[])).await), ["update_mask"]);
    assert_eq!(bad_fields(change(update(&["client_id"])).await), ["update_mask"]);
    let absent =
        UpdateClientRegistrationRequest { registration_id: "none".to_owned(), ..update(&["scopes"]) };
    refused(change(absent).await, Code::NotFound, Reason::NoClientRegistration);
    let device = UpdateClientRegistrationRequest {
        allow_device_authorization: true,
        ..update(&["allow_device_authorization"])
    };
    assert!(change(device).await.unwrap().client_registration.unwrap().allow_device_authorization);
    house.close().await;
}

#[tokio::test]
async fn a_registration_is_deleted_once_no_living_grant_needs_it() {
    let house = House::open().await;
    let key = house.consent(PROVIDER, "ada").await;
    let delete = async |request| read(house.client.admin().delete_client_registration(request).await);
    refused(delete(deletion("main", "")).await, Code::FailedPrecondition, Reason::ResourceInUse);

    let dead = FaultBody::Json(serde_json::json!({ "error": "invalid_grant" }));
    let fault = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 400, dead).times(2);
    house.simulator(PROVIDER).faults().push(fault);
    for _ in 0..2 {
        house.client.refresh(&key).await.unwrap_err();
        house.clock.advance(Duration::from_secs(60));
    }
    let etag = super::registration(&house, "acme", PROVIDER).await.etag;
    refused(delete(deletion("main", "1")).await, Code::Aborted, Reason::EtagMismatch);
    delete(deletion("main", &etag)).await.unwrap();
    let get = GetClientRegistrationRequest {
        tenant_id: "acme".to_owned(),
        provider: PROVIDER.name().to_owned(),
        registration_id: "main".to_owned(),
    };
    let gone = read(house.client.admin().get_client_registration(get).await);
    refused(gone, Code::NotFound, Reason::NoClientRegistration);
    refused(delete(deletion("main", "")).await, Code::NotFound, Reason::NoClientRegistration);
    let grant = house.client.grant(&key).await.unwrap();
    assert_eq!(grant.registration_id, "main", "the dead grant remembers");

    house.client.register(named("other")).await.unwrap();
    house.consent(PROVIDER, "ada").await;
    assert_eq!(house.client.grant(&key).await.unwrap().registration_id, "other");
    house.close().await;
}
