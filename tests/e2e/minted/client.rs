//! Tokens of the client itself (RFC 6749 §4.4).

use std::collections::BTreeSet;
use std::time::Duration;

use broker_e2e::client::{ask, read, vending_policy};
use broker_e2e::{House, LONGEST_WAIT, Provider};
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::*;
use futures_util::future::join_all;
use provider_sim::{EagleEyeConfig, Endpoint, Fault, FaultBody, When};
use tonic::Code;

use super::{asked, create, get, of_client};
use crate::errors::{bad_fields, refused};

const SITE: Provider = Provider::EagleEye;

async fn minting(house: &House) -> GrantKey {
    let key = house.key(SITE, "m2m");
    create(&house.client, &key, of_client()).await.unwrap();
    key
}

#[tokio::test]
async fn a_token_is_vended_like_a_grants() {
    let house = House::open().await;
    let key = house.key(SITE, "m2m");
    let created = create(&house.client, &key, of_client()).await.unwrap();
    assert_eq!(created.kind(), MachineCredentialKind::ClientCredentials);
    let token = house.vend(&key).await.unwrap();
    assert_eq!(
        (token.token_type.as_str(), token.scopes.as_slice()),
        ("Bearer", ["vms.all".to_owned()].as_slice())
    );
    assert_eq!(token.headers["authorization"], format!("Bearer {}", token.access_token));
    assert_eq!(token.api_base_url, "https://api.c001.eagleeyenetworks.com:443");
    assert!(token.generation > created.generation && token.grant_expire_time.is_none());
    assert_eq!(token.grant_id, "", "there is no grant to watch");
    let (expires, hint) = (token.expire_time.unwrap(), token.refresh_hint_time.unwrap());
    assert!(hint.seconds < expires.seconds && expires.seconds > house.clock.seconds());
    assert_eq!(house.vend(&key).await.unwrap().access_token, token.access_token);
    let held = get(&house.client, &key).await;
    assert_eq!((held.access_token_expire_time, held.last_error), (Some(expires), None));
    assert_eq!(asked(house.simulator(SITE)), 1);
    house.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn thirty_two_callers_cause_one_token_request() {
    let house = House::open().await;
    let key = minting(&house).await;
    // Slow enough that every caller is there before the answer is.
    let slow = Fault::latency(Endpoint::Token, Duration::from_millis(200));
    house.simulator(SITE).faults().push(slow);
    let answers = join_all((0..32).map(|_| house.vend(&key))).await;
    let tokens: BTreeSet<_> = answers.into_iter().map(|answer| answer.unwrap().access_token).collect();
    assert_eq!((tokens.len(), asked(house.simulator(SITE))), (1, 1));
    house.close().await;
}

#[tokio::test]
async fn tokens_are_minted_before_they_expire_although_nobody_asks() {
    let house = House::plan().scheduler().open().await;
    let key = minting(&house).await;
    for round in 1..=4 {
        // The first is due at once, the others when the credential says.
        let due = get(&house.client, &key).await.next_mint_time.unwrap().seconds;
        let wait = u64::try_from((due + 2 - house.clock.seconds()).max(2)).unwrap();
        house.clock.advance(Duration::from_secs(wait));
        until(async || asked(house.simulator(SITE)) == round).await;
        until(async || get(&house.client, &key).await.next_mint_time.unwrap().seconds > due).await;
        let expires = get(&house.client, &key).await.access_token_expire_time.unwrap().seconds;
        assert!(expires > house.clock.seconds() + 60);
    }
    house.close().await;
}

/// Looks until it is so.
async fn until(is_so: impl AsyncFn() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, looking).await.expect("it never came to be");
}

#[tokio::test]
async fn a_provider_that_is_down_is_told_and_the_token_held_is_served() {
    let house = House::open().await;
    let key = minting(&house).await;
    let outage = || Fault::respond(Endpoint::Token, When::BeforeCommit, 503, FaultBody::Html).forever();
    house.simulator(SITE).faults().push(outage());
    let error = house.client.token(ask(&key)).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some(Reason::ProviderUnavailable)));
    assert!(error.retry_delay().is_some(), "{error}");
    assert_eq!(get(&house.client, &key).await.last_error.unwrap().kind(), GrantErrorKind::Uncertain);
    house.simulator(SITE).faults().clear();
    house.clock.advance(Duration::from_secs(10));
    let token = house.vend(&key).await.unwrap();

    house.simulator(SITE).faults().push(outage());
    let left = token.expire_time.unwrap().seconds - house.clock.seconds();
    house.clock.advance(Duration::from_secs(u64::try_from(left).unwrap() - 30));
    let stale = house.vend(&key).await.unwrap();
    assert_eq!(stale.access_token, token.access_token);
    assert_eq!(stale.served_stale_reason(), ServedStaleReason::RefreshFailed);
    house.close().await;
}

#[tokio::test]
async fn a_rejected_client_is_told() {
    let house = House::open().await;
    let key = minting(&house).await;
    house.simulator(SITE).set_client_secret(EagleEyeConfig::DEMO_CLIENT_ID, "another").unwrap();
    refused(
        house.client.token(ask(&key)).await,
        Code::FailedPrecondition,
        Reason::ClientRegistrationRejected,
    );
    assert_eq!(get(&house.client, &key).await.last_error.unwrap().kind(), GrantErrorKind::ClientRejected);
    let before = asked(house.simulator(SITE));
    refused(
        house.client.token(ask(&key)).await,
        Code::FailedPrecondition,
        Reason::ClientRegistrationRejected,
    );
    assert_eq!(asked(house.simulator(SITE)), before, "it rests");
    house.simulator(SITE).set_client_secret(EagleEyeConfig::DEMO_CLIENT_ID, SITE.client_secret()).unwrap();
    house.clock.advance(Duration::from_secs(61));
    house.vend(&key).await.unwrap();
    house.close().await;
}

#[tokio::test]
async fn scopes_are_for_callers_who_may_have_them() {
    let house = House::plan().enforce("").open().await;
    let key = minting(&house).await;
    for (name, scope) in [("wide", "vms.all"), ("narrow", "vms.read")] {
        let policy = vending_policy(name, "acme");
        let policy = CreateAccessPolicyRequest { max_scopes: vec![scope.to_owned()], ..policy };
        house.client.create_policy(policy).await.unwrap();
    }
    house.client.named("wide").token(ask(&key)).await.unwrap();
    let denied = house.client.named("narrow").token(ask(&key)).await;
    refused(denied, Code::PermissionDenied, Reason::AccessDenied);
    let more = GetAccessTokenRequest { required_scopes: vec!["vms.admin".to_owned()], ..ask(&key) };
    refused(house.client.token(more).await, Code::FailedPrecondition, Reason::MissingScopes);
    house.close().await;
}

#[tokio::test]
async fn what_cannot_be_minted_of_is_told() {
    let house = House::open().await;
    let evercam = house.key(Provider::Evercam, "m2m");
    assert_eq!(bad_fields(create(&house.client, &evercam, of_client()).await), ["key.provider"]);
    let key = house.key(SITE, "m2m");
    let of = |registration: &str, scope: &str| {
        let (client_registration_id, scopes) = (registration.to_owned(), vec![scope.to_owned()]);
        Credential::ClientCredentials(ClientCredentials { client_registration_id, scopes })
    };
    let bad = create(&house.client, &key, of("", "two words")).await;
    assert_eq!(bad_fields(bad), ["client_credentials.scopes[0]"]);
    let bad = create(&house.client, &key, of("Bad Name", "vms.all")).await;
    assert_eq!(bad_fields(bad), ["client_credentials.client_registration_id"]);
    let unknown = create(&house.client, &key, of("nowhere", "vms.all")).await;
    refused(unknown, Code::FailedPrecondition, Reason::NoClientRegistration);
    house.close().await;
}

#[tokio::test]
async fn one_kind_takes_the_place_of_another_and_each_mint_is_recorded() {
    let house = House::open().await;
    let key = minting(&house).await;
    let first = house.vend(&key).await.unwrap();
    let next = rotate_machine_credential_request::Credential::ClientCredentials(ClientCredentials::default());
    let request = RotateMachineCredentialRequest {
        key: Some(key.clone()),
        credential: Some(next),
        ..Default::default()
    };
    let rotated = read(house.client.admin().rotate_machine_credential(request).await).unwrap();
    assert!(rotated.machine_credential.unwrap().generation > first.generation);
    let second = house.vend(&key).await.unwrap();
    assert!(second.generation > first.generation && second.access_token != first.access_token);
    let records = crate::audit::events(&house, "acme").await;
    let minted: Vec<_> =
        records.iter().filter(|record| record.action == "mint").map(|record| record.generation).collect();
    assert_eq!(minted.len(), 2, "{records:?}");
    assert!(minted.contains(&first.generation) && minted.contains(&second.generation));
    house.close().await;
}
