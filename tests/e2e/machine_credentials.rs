//! API keys, from an operator's hands to a provider's API.

use broker_e2e::client::{ask, read, vending_policy};
use broker_e2e::{Answer, House, Provider};
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::rotate_machine_credential_request::Credential as NextCredential;
use broker_proto::v1::*;
use provider_sim::EvercamConfig;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tonic::Code;

use crate::errors::{bad_fields, refused};

const PAIRS: [(&str, &str); 2] = [("first-id", "first-secret-of-a-key"), ("next-id", "next-secret-of-a-key")];

/// A house at whose Evercam both pairs open alice's cameras.
async fn house() -> House {
    let api_keys = PAIRS.map(|(id, key)| provider_sim::ApiKey {
        id: id.to_owned(),
        key: key.to_owned(),
        user: "alice".to_owned(),
    });
    House::plan().evercam(EvercamConfig { api_keys: api_keys.into(), ..EvercamConfig::demo() }).open().await
}

fn pair(number: usize) -> ApiKey {
    let (id, secret) = PAIRS[number];
    ApiKey { id: id.to_owned(), secret: secret.to_owned() }
}

async fn create(house: &House, key: &GrantKey, pair: ApiKey) -> Answer<MachineCredential> {
    let credential = Some(Credential::ApiKey(pair));
    let request = CreateMachineCredentialRequest { key: Some(key.clone()), credential };
    let created = read(house.client.admin().create_machine_credential(request).await)?;
    Ok(created.machine_credential.unwrap())
}

async fn rotate(house: &House, key: &GrantKey, pair: ApiKey, etag: &str) -> Answer<MachineCredential> {
    let request = RotateMachineCredentialRequest {
        key: Some(key.clone()),
        credential: Some(NextCredential::ApiKey(pair)),
        etag: etag.to_owned(),
    };
    let rotated = read(house.client.admin().rotate_machine_credential(request).await)?;
    Ok(rotated.machine_credential.unwrap())
}

async fn delete(house: &House, key: &GrantKey, etag: &str) -> Answer<DeleteMachineCredentialResponse> {
    let request = DeleteMachineCredentialRequest { key: Some(key.clone()), etag: etag.to_owned() };
    read(house.client.admin().delete_machine_credential(request).await)
}

/// What Evercam's API answers to the headers of what was vended.
async fn cameras(house: &House, vended: &GetAccessTokenResponse) -> u16 {
    let address = house.simulator(Provider::Evercam).address();
    let headers: String = vended.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request =
        format!("GET /v2/cameras HTTP/1.1\r\nhost: {address}\r\n{headers}connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[tokio::test]
async fn an_api_key_is_vended_like_a_token_and_works() {
    let house = house().await;
    let key = house.key(Provider::Evercam, "nvr");
    refused(house.client.token(ask(&key)).await, Code::NotFound, Reason::GrantNotFound);
    let created = create(&house, &key, pair(0)).await.unwrap();
    let vended = house.client.token(ask(&key)).await.unwrap();
    assert_eq!((vended.access_token.as_str(), vended.token_type.as_str()), ("", "ApiKey"));
    assert_eq!((vended.headers.len(), vended.headers["x-api-id"].as_str()), (2, "first-id"));
    assert_eq!((vended.expire_time, vended.generation), (None, created.generation));
    assert_eq!(cameras(&house, &vended).await, 200);
    let listed = ListMachineCredentialsRequest { tenant_id: "acme".to_owned(), ..Default::default() };
    let listed = read(house.client.admin().list_machine_credentials(listed).await).unwrap();
    assert_eq!(listed.machine_credentials, std::slice::from_ref(&created));
    let get = GetMachineCredentialRequest { key: Some(key) };
    let got = read(house.client.admin().get_machine_credential(get).await).unwrap();
    assert_eq!(got.machine_credential, Some(created));
    assert!(!house.log().contains(PAIRS[0].1));
    house.close().await;
}

#[tokio::test]
async fn an_api_key_is_rotated_and_deleted_at_once() {
    let house = house().await;
    let key = house.key(Provider::Evercam, "nvr");
    let first = create(&house, &key, pair(0)).await.unwrap();
    refused(rotate(&house, &key, pair(1), "1").await, Code::Aborted, Reason::EtagMismatch);
    let next = rotate(&house, &key, pair(1), &first.etag).await.unwrap();
    assert!(next.generation > first.generation && next.create_time == first.create_time);
    let vended = house.client.token(ask(&key)).await.unwrap();
    assert_eq!((vended.headers["x-api-id"].as_str(), vended.generation), ("next-id", next.generation));
    assert_eq!(cameras(&house, &vended).await, 200);
    refused(delete(&house, &key, &first.etag).await, Code::Aborted, Reason::EtagMismatch);
    delete(&house, &key, &next.etag).await.unwrap();
    refused(house.client.token(ask(&key)).await, Code::NotFound, Reason::GrantNotFound);
    refused(delete(&house, &key, "").await, Code::NotFound, Reason::ResourceNotFound);
    refused(rotate(&house, &key, pair(0), "").await, Code::NotFound, Reason::ResourceNotFound);
    house.close().await;
}

#[tokio::test]
async fn a_key_has_a_grant_or_an_api_key() {
    let house = house().await;
    let granted = house.consent(Provider::Evercam, "ada").await;
    refused(create(&house, &granted, pair(0)).await, Code::AlreadyExists, Reason::AlreadyExists);
    let key = house.key(Provider::Evercam, "nvr");
    create(&house, &key, pair(0)).await.unwrap();
    refused(create(&house, &key, pair(1)).await, Code::AlreadyExists, Reason::AlreadyExists);
    refused(house.client.start(&key).await, Code::AlreadyExists, Reason::AlreadyExists);
    delete(&house, &key, "").await.unwrap();
    house.client.start(&key).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn what_is_no_api_key_is_told() {
    let house = house().await;
    let key = house.key(Provider::Evercam, "nvr");
    let bad = ApiKey { id: String::new(), secret: "two\nlines".to_owned() };
    assert_eq!(bad_fields(create(&house, &key, bad).await), ["api_key.id", "api_key.secret"]);
    let none = CreateMachineCredentialRequest { key: Some(key.clone()), credential: None };
    let none = read(house.client.admin().create_machine_credential(none).await);
    assert_eq!(bad_fields(none), ["credential"]);
    let elsewhere = house.key(Provider::EagleEye, "nvr");
    assert_eq!(bad_fields(create(&house, &elsewhere, pair(0)).await), ["key.provider"]);
    let stranger = GrantKey { tenant_id: "nobody".to_owned(), ..key };
    refused(create(&house, &stranger, pair(0)).await, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}

#[tokio::test]
async fn an_api_key_is_for_its_tenant_and_for_callers_of_any_scope() {
    let house = House::plan().enforce("").evercam(EvercamConfig::demo()).open().await;
    let key = house.key(Provider::Evercam, "nvr");
    create(&house, &key, pair(0)).await.unwrap();
    house.client.create_tenant("globex").await.unwrap();
    let theirs = GrantKey { tenant_id: "globex".to_owned(), ..key.clone() };
    refused(house.client.token(ask(&theirs)).await, Code::NotFound, Reason::GrantNotFound);

    house.client.create_policy(vending_policy("any", "acme")).await.unwrap();
    let narrow = vending_policy("narrow", "acme");
    let narrow = CreateAccessPolicyRequest { max_scopes: vec!["cameras:read".to_owned()], ..narrow };
    house.client.create_policy(narrow).await.unwrap();
    house.client.named("any").token(ask(&key)).await.unwrap();
    let denied = house.client.named("narrow").token(ask(&key)).await;
    refused(denied, Code::PermissionDenied, Reason::AccessDenied);
    let scoped = GetAccessTokenRequest { required_scopes: vec!["cameras:read".to_owned()], ..ask(&key) };
    refused(house.client.token(scoped).await, Code::FailedPrecondition, Reason::MissingScopes);
    house.close().await;
}
