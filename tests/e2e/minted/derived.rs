//! Tokens of other accounts, got with the token of a grant.

use broker_e2e::client::{ask, read};
use broker_e2e::{House, Provider};
use broker_proto::v1::create_machine_credential_request::Credential;
use broker_proto::v1::*;
use provider_sim::{EagleEyeConfig, Endpoint};
use tonic::Code;

use super::{create, get};
use crate::errors::{bad_fields, refused};

const SITE: Provider = Provider::EagleEye;
const CUSTOMER: &str = "00002222";

fn derived(user: &str, account: &str) -> Credential {
    let (user_id, target_account_id) = (user.to_owned(), account.to_owned());
    Credential::Derived(DerivedToken { user_id, target_account_id, ..Default::default() })
}

/// A house whose Alice is a reseller's user.
async fn house() -> House {
    let resold_accounts =
        vec![("a11ce001".to_owned(), CUSTOMER.to_owned()), ("b0b00001".to_owned(), "00003333".to_owned())];
    House::plan().eagle_eye(EagleEyeConfig { resold_accounts, ..EagleEyeConfig::demo() }).open().await
}

fn derivations(house: &House) -> usize {
    house.simulator(SITE).journal().count(|entry| entry.endpoint == Endpoint::AuthorizationTokens)
}

#[tokio::test]
async fn a_resellers_token_opens_an_account_of_a_customer() {
    let house = house().await;
    let reseller = house.consent(SITE, "reseller").await;
    let key = house.key(SITE, "customer");
    let created = create(&house.client, &key, derived("reseller", CUSTOMER)).await.unwrap();
    assert_eq!(created.kind(), MachineCredentialKind::Derived);
    let token = house.vend(&key).await.unwrap();
    assert_eq!(
        (token.scopes.as_slice(), token.token_type.as_str()),
        (["vms.all".to_owned()].as_slice(), "Bearer")
    );
    assert_eq!(token.api_base_url, "https://api.c001.eagleeyenetworks.com:443");
    assert_ne!(token.access_token, house.vend(&reseller).await.unwrap().access_token);
    assert_eq!(house.api_status(SITE, &token).await, 200);
    assert_eq!(house.vend(&key).await.unwrap().access_token, token.access_token);
    assert_eq!(derivations(&house), 1);

    // It outlives the token it was got with, and is had anew by itself.
    house.outlive_token(SITE);
    let next = house.vend(&key).await.unwrap();
    assert!(next.generation > token.generation && house.api_status(SITE, &next).await == 200);
    house.close().await;
}

#[tokio::test]
async fn without_its_grant_it_is_served_no_more() {
    let house = house().await;
    let reseller = house.consent(SITE, "reseller").await;
    let key = house.key(SITE, "customer");
    create(&house.client, &key, derived("reseller", CUSTOMER)).await.unwrap();
    house.vend(&key).await.unwrap();
    let revoke = RevokeGrantRequest { key: Some(reseller) };
    read(house.client.consents().revoke_grant(revoke).await).unwrap();
    refused(house.client.token(ask(&key)).await, Code::FailedPrecondition, Reason::ConsentRequired);
    house.close().await;
}

#[tokio::test]
async fn an_account_out_of_reach_is_told() {
    let house = house().await;
    house.consent(SITE, "reseller").await;
    for (user, account, status) in [("stranger", "00003333", 403), ("unknown", "00009999", 404)] {
        let key = house.key(SITE, user);
        create(&house.client, &key, derived("reseller", account)).await.unwrap();
        refused(house.client.token(ask(&key)).await, Code::Unavailable, Reason::ProviderUnavailable);
        let error = get(&house.client, &key).await.last_error.unwrap();
        assert_eq!(error.http_status, status, "{error:?}");
    }
    house.close().await;
}

#[tokio::test]
async fn what_cannot_be_derived_is_told() {
    let house = house().await;
    let key = house.key(SITE, "customer");
    let nobody = create(&house.client, &key, derived("nobody", CUSTOMER)).await;
    refused(nobody, Code::NotFound, Reason::GrantNotFound);
    house.consent(SITE, "reseller").await;
    let bad = create(&house.client, &key, derived("customer", "two words")).await;
    assert_eq!(bad_fields(bad), ["derived.user_id", "derived.target_account_id"]);
    let evercam = house.key(Provider::Evercam, "customer");
    let elsewhere = create(&house.client, &evercam, derived("reseller", CUSTOMER)).await;
    assert_eq!(bad_fields(elsewhere), ["key.provider"]);
    house.close().await;
}
