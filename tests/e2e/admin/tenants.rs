use std::time::Duration;

use broker_e2e::House;
use broker_e2e::client::read;
use broker_proto::v1::{GetTenantRequest, ListTenantsRequest, Reason, TenantState, UpdateTenantRequest};
use prost_types::FieldMask;
use tonic::Code;

use crate::errors::{bad_fields, refused};

async fn page(house: &House, request: ListTenantsRequest) -> (Vec<String>, String) {
    let answer = read(house.client.admin().list_tenants(request).await).unwrap();
    (answer.tenants.into_iter().map(|tenant| tenant.tenant_id).collect(), answer.next_page_token)
}

fn rename(name: &str, etag: &str) -> UpdateTenantRequest {
    UpdateTenantRequest {
        tenant_id: "acme".to_owned(),
        display_name: name.to_owned(),
        update_mask: Some(FieldMask { paths: vec!["display_name".to_owned()] }),
        etag: etag.to_owned(),
    }
}

#[tokio::test]
async fn tenants_are_listed_page_by_page_and_by_state() {
    let house = House::open().await;
    for tenant in ["initech", "globex", "zeta"] {
        house.client.create_tenant(tenant).await.unwrap();
    }
    let mut request = ListTenantsRequest { page_size: 3, ..Default::default() };
    let (first, token) = page(&house, request.clone()).await;
    assert_eq!(first, ["acme", "globex", "initech"]);
    request.page_token = token;
    assert_eq!(page(&house, request).await, (vec!["zeta".to_owned()], String::new()));

    let of = |state: TenantState| ListTenantsRequest { states: vec![state.into()], ..Default::default() };
    assert_eq!(page(&house, of(TenantState::Active)).await.0.len(), 4);
    assert_eq!(page(&house, of(TenantState::Deleting)).await.0.len(), 0);
    let list = async |request| bad_fields(read(house.client.admin().list_tenants(request).await));
    assert_eq!(list(of(TenantState::Unspecified)).await, ["states"]);
    assert_eq!(list(ListTenantsRequest { page_size: -1, ..Default::default() }).await, ["page_size"]);
    let foreign = ListTenantsRequest { page_token: "[\"a\",\"b\"]".to_owned(), ..Default::default() };
    assert_eq!(list(foreign).await, ["page_token"]);
    house.close().await;
}

#[tokio::test]
async fn a_tenant_is_changed_in_the_version_that_was_seen() {
    let house = House::open().await;
    let get = GetTenantRequest { tenant_id: "acme".to_owned() };
    let before = read(house.client.admin().get_tenant(get.clone()).await).unwrap().tenant.unwrap();
    house.clock.advance(Duration::from_secs(60));
    let update = async |request| read(house.client.admin().update_tenant(request).await);
    let after = update(rename("Acme Ltd", &before.etag)).await.unwrap().tenant.unwrap();
    assert_eq!((after.display_name.as_str(), after.create_time), ("Acme Ltd", before.create_time));
    assert!(after.update_time.unwrap().seconds >= before.update_time.unwrap().seconds + 60);
    assert_eq!(read(house.client.admin().get_tenant(get).await).unwrap().tenant.unwrap(), after);

    refused(update(rename("Other", &before.etag)).await, Code::Aborted, Reason::EtagMismatch);
    refused(update(rename("Other", "never given out")).await, Code::Aborted, Reason::EtagMismatch);
    assert_eq!(update(rename("Any", "")).await.unwrap().tenant.unwrap().display_name, "Any");
    let unmasked = UpdateTenantRequest { update_mask: None, ..rename("x", "") };
    assert_eq!(bad_fields(update(unmasked).await), ["update_mask"]);
    let nobody = UpdateTenantRequest { tenant_id: "nobody".to_owned(), ..rename("x", "") };
    refused(update(nobody).await, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}
