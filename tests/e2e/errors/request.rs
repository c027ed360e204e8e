//! Malformed requests name every field that is wrong.

use broker_e2e::client::{read, registration};
use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{
    BatchGetAccessTokensRequest, CreateClientRegistrationRequest, CreateTenantRequest, GetAccessTokenRequest,
    GrantKey, ListGrantsRequest,
};
use prost_types::Duration;

use super::bad_fields;

#[tokio::test]
async fn a_duration_that_is_none_is_refused() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let with = |seconds, nanos| GetAccessTokenRequest {
        min_validity: Some(Duration { seconds, nanos }),
        ..ask(&key)
    };
    for (seconds, nanos) in [
        (-1, 0),
        (0, -1),
        (1, -1),
        (0, 1_000_000_000),
        (0, i32::MAX),
        (0, i32::MIN),
        (366 * 24 * 3600, 0),
        (i64::MAX, 999_999_999),
        (i64::MIN, 0),
    ] {
        let fields = bad_fields(house.vend_as(with(seconds, nanos)).await);
        assert_eq!(fields, ["min_validity"], "{seconds} s and {nanos} ns");
    }
    for (seconds, nanos) in [(0, 0), (0, 999_999_999), (24 * 3600, 0)] {
        assert_eq!(house.vend_as(with(seconds, nanos)).await.unwrap().generation, 1, "{seconds} {nanos}");
    }
    house.close().await;
}

#[tokio::test]
async fn a_batch_is_neither_empty_nor_oversized() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let batch = async |count| {
        let requests = vec![ask(&key); count];
        read(house.client.tokens().batch_get_access_tokens(BatchGetAccessTokensRequest { requests }).await)
    };
    assert_eq!(bad_fields(batch(0).await), ["requests"]);
    assert_eq!(bad_fields(batch(257).await), ["requests"]);
    assert_eq!(batch(256).await.unwrap().results.len(), 256);
    house.close().await;
}

#[tokio::test]
async fn every_wrong_name_is_named_at_once() {
    let house = House::open().await;
    let wrong = GrantKey {
        tenant_id: "Not A Tenant".to_owned(),
        provider: "../evercam".to_owned(),
        user_id: "line\nbreak".to_owned(),
        account: "\u{7}".to_owned(),
    };
    let all = ["tenant_id", "provider", "user_id", "account"];
    let below_key = all.map(|field| format!("key.{field}"));
    let empty = GrantKey::default();

    assert_eq!(bad_fields(house.vend(&wrong).await), all);
    assert_eq!(bad_fields(house.client.start(&wrong).await), all);
    assert_eq!(bad_fields(house.client.refresh(&wrong).await), below_key);
    assert_eq!(bad_fields(house.client.grant(&wrong).await), below_key);
    // No account is the default account.
    assert_eq!(bad_fields(house.vend(&empty).await), all[..3]);
    assert_eq!(bad_fields(house.client.complete(&empty, "").await), ["tenant_id", "user_id", "callback_url"]);
    house.close().await;
}

#[tokio::test]
async fn texts_have_their_limits() {
    let house = House::open().await;
    let key = house.key(Provider::Evercam, "ada");
    let long = "x".repeat(257);
    let purpose = GetAccessTokenRequest { purpose: long.clone(), ..ask(&key) };
    assert_eq!(bad_fields(house.vend_as(purpose).await), ["purpose"]);
    let scopes = GetAccessTokenRequest { required_scopes: vec!["s".to_owned(); 65], ..ask(&key) };
    assert_eq!(bad_fields(house.vend_as(scopes).await), ["required_scopes"]);
    let tenant = CreateTenantRequest { tenant_id: "t".repeat(65), display_name: long, ..Default::default() };
    assert_eq!(
        bad_fields(read(house.client.admin().create_tenant(tenant).await)),
        ["tenant_id", "display_name"]
    );
    let page = ListGrantsRequest {
        tenant_id: "acme".to_owned(),
        page_size: -1,
        states: vec![0],
        ..Default::default()
    };
    assert_eq!(bad_fields(read(house.client.admin().list_grants(page).await)), ["page_size", "states"]);
    house.close().await;
}

#[tokio::test]
async fn an_unknown_provider_is_a_malformed_request() {
    let house = House::open().await;
    let key = GrantKey { provider: "elsewhere".to_owned(), ..house.key(Provider::Evercam, "ada") };
    let registration = CreateClientRegistrationRequest {
        provider: "elsewhere".to_owned(),
        ..registration("acme", Provider::Evercam)
    };

    assert_eq!(bad_fields(house.vend(&key).await), ["provider"]);
    assert_eq!(bad_fields(house.client.start(&key).await), ["provider"]);
    assert_eq!(bad_fields(house.client.grant(&key).await), ["provider"]);
    assert_eq!(bad_fields(house.client.register(registration).await), ["provider"]);
    house.close().await;
}

#[tokio::test]
async fn a_client_registration_must_be_usable() {
    let house = House::open().await;
    let good = registration("acme", Provider::Evercam);
    let register = async |change: fn(&mut CreateClientRegistrationRequest)| {
        let mut request = good.clone();
        change(&mut request);
        bad_fields(house.client.register(request).await)
    };
    assert_eq!(register(|r| r.client_secret.clear()).await, ["client_secret"]);
    assert_eq!(register(|r| r.public = true).await, ["client_secret"]);
    assert_eq!(register(|r| r.redirect_uri = "http://app.example/cb".into()).await, ["redirect_uri"]);
    assert_eq!(register(|r| r.redirect_uri = "https://app.example/#there".into()).await, ["redirect_uri"]);
    assert_eq!(register(|r| r.scopes = vec!["ok".into(), "not ok".into()]).await, ["scopes[1]"]);
    assert_eq!(register(|r| drop(r.return_to.insert("home".into(), "/".into()))).await, ["return_to[home]"]);
    house.close().await;
}
