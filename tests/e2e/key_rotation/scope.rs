//! Who may rotate one tenant's keys can poll that rotation, and no other.

use broker_e2e::access::policy;
use broker_e2e::client::read;
use broker_e2e::house::TENANT;
use broker_e2e::{Answer, Client, House};
use broker_proto::v1::rotate_keys_request::Scope;
use broker_proto::v1::{GetKeyRotationRequest, KeyKind, KeyRotation, Reason, RotateKeysRequest};
use tonic::Code;

use crate::errors::{bad_fields, refused};

const REQUEST: &str = "0190b4e2-0000-7000-8000-000000000001";

async fn rotate(client: &Client, scope: Scope, kind: KeyKind, request_id: &str) -> Answer<KeyRotation> {
    let request = RotateKeysRequest {
        scope: Some(scope),
        kind: kind.into(),
        request_id: request_id.to_owned(),
        dry_run: false,
    };
    read(client.admin().rotate_keys(request).await).map(|answer| answer.key_rotation.unwrap())
}

async fn poll(client: &Client, rotation_id: &str, tenant_id: &str) -> Answer<KeyRotation> {
    let request =
        GetKeyRotationRequest { rotation_id: rotation_id.to_owned(), tenant_id: tenant_id.to_owned() };
    read(client.admin().get_key_rotation(request).await).map(|answer| answer.key_rotation.unwrap())
}

#[tokio::test]
async fn who_rotates_a_tenants_keys_polls_that_rotation_and_no_other() {
    let own = policy("jwt:acme", &["observe", "administer"], TENANT, "*");
    let house = House::plan().enforce(&own).open().await;
    let caller = house.client.named("jwt:acme");
    let of_tenant = || Scope::TenantId(TENANT.to_owned());

    let begun = rotate(&caller, of_tenant(), KeyKind::Dek, REQUEST).await.unwrap();
    assert_eq!(poll(&caller, &begun.rotation_id, TENANT).await.unwrap().tenant_id, TENANT);
    let repeated = rotate(&caller, of_tenant(), KeyKind::Dek, REQUEST).await.unwrap();
    assert_eq!(repeated.rotation_id, begun.rotation_id);
    let reused = rotate(&caller, of_tenant(), KeyKind::Kek, REQUEST).await;
    assert_eq!(bad_fields(reused), ["request_id"]);

    let any = poll(&caller, &begun.rotation_id, "").await;
    refused(any, Code::PermissionDenied, Reason::AccessDenied);
    let of_all = rotate(&house.client, Scope::All(true), KeyKind::Dek, "").await.unwrap();
    let hidden = poll(&caller, &of_all.rotation_id, TENANT).await;
    refused(hidden, Code::NotFound, Reason::ResourceNotFound);
    let foreign = poll(&caller, &begun.rotation_id, "globex").await;
    refused(foreign, Code::PermissionDenied, Reason::AccessDenied);
    assert_eq!(poll(&house.client, &of_all.rotation_id, "").await.unwrap().tenant_id, "");
    house.close().await;
}
