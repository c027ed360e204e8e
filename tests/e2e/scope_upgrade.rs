//! A user who allows more later: what was missing is there after the second consent, and the old token until then.

use broker_e2e::client::read;
use broker_e2e::{House, LONGEST_WAIT, Provider, ask};
use broker_proto::v1::{
    GetAccessTokenRequest, GetAccessTokenResponse, GrantKey, Reason, ServedStaleReason,
    StartAuthorizationRequest,
};
use provider_sim::{Endpoint, Fault, When};
use tonic::Code;

use crate::errors::refused;

const FIRST: &str = "cameras:read";
const MORE: &str = "projects:read";

/// The callback of a user who was asked for these scopes, and approved.
async fn approved(house: &House, key: &GrantKey, scopes: &[&str]) -> String {
    let request = StartAuthorizationRequest {
        tenant_id: key.tenant_id.clone(),
        provider: key.provider.clone(),
        user_id: key.user_id.clone(),
        scopes: scopes.iter().map(ToString::to_string).collect(),
        ..Default::default()
    };
    let started = read(house.client.consents().start_authorization(request).await).unwrap();
    Provider::Evercam.person().approve(&started.authorization_url).await.unwrap()
}

fn wants_more(key: &GrantKey) -> GetAccessTokenRequest {
    GetAccessTokenRequest { required_scopes: vec![FIRST.to_owned(), MORE.to_owned()], ..ask(key) }
}

/// Whoever asks for what is granted gets the old token, and the provider takes it; whoever asks for more is told.
async fn is_as_before(house: &House, key: &GrantKey, old: &GetAccessTokenResponse) -> ServedStaleReason {
    let error =
        refused(house.vend_as(wants_more(key)).await, Code::FailedPrecondition, Reason::MissingScopes);
    assert_eq!(error.metadata("missing"), Some(MORE));
    let token = house.vend(key).await.unwrap();
    assert_eq!((token.generation, &token.access_token), (1, &old.access_token));
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 200);
    token.served_stale_reason()
}

#[tokio::test]
async fn a_consent_to_more_scopes_brings_what_was_missing_and_breaks_nothing_before() {
    let house = House::open().await;
    let key = house.key(Provider::Evercam, "ada");
    let callback = approved(&house, &key, &[FIRST]).await;
    assert_eq!(house.client.complete(&key, &callback).await.unwrap().scopes, [FIRST]);
    let old = house.vend(&key).await.unwrap();
    assert_eq!(old.scopes, [FIRST]);
    assert_eq!(is_as_before(&house, &key, &old).await, ServedStaleReason::Unspecified);

    let callback = approved(&house, &key, &[FIRST, MORE]).await;
    assert_eq!(is_as_before(&house, &key, &old).await, ServedStaleReason::Unspecified, "nothing is redeemed");

    let simulator = house.simulator(Provider::Evercam);
    simulator.faults().push(Fault::hang(Endpoint::Exchange, When::AfterCommit));
    let meanwhile = async {
        let redeemed = |entry: &provider_sim::Entry| entry.endpoint == Endpoint::Exchange && entry.committed;
        simulator.journal().wait_for(|journal| journal.count(redeemed) == 2, LONGEST_WAIT).await.unwrap();
        let told = is_as_before(&house, &key, &old).await;
        simulator.faults().clear();
        told
    };
    let (completed, told) = tokio::join!(house.client.complete(&key, &callback), meanwhile);
    assert_eq!(told, ServedStaleReason::ReconsentRunning, "the provider may end the old token any moment");
    let grant = completed.unwrap();
    assert_eq!((grant.generation, grant.scopes), (2, vec![FIRST.to_owned(), MORE.to_owned()]));

    let token = house.vend_as(wants_more(&key)).await.unwrap();
    assert_eq!((token.generation, token.served_stale_reason()), (2, ServedStaleReason::Unspecified));
    assert_eq!(token.scopes, [FIRST, MORE]);
    assert_ne!(token.access_token, old.access_token);
    assert_eq!(house.api_status(Provider::Evercam, &token).await, 200);
    house.close().await;
}
