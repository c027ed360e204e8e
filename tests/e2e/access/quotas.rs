//! Quotas.

use broker_e2e::client::{registration, vending_policy};
use broker_e2e::{Answer, House, Provider};
use broker_proto::v1::{AuthorizationState, CreateClientRegistrationRequest, Reason};
use tonic::Code;

use crate::errors::refused;

/// The house's tenant, with as many registrations as the house has made.
const LIMITS: &str = "\n[[access.quota]]\ntenant = \"acme\"\nmax_grants = 1\nmax_client_registrations = 2\n\
                      max_pending_authorizations = 2\nmax_access_policies = 1\n";

/// Which quota was met, and how much it allows.
#[track_caller]
fn over_quota<T>(answer: Answer<T>) -> (String, String) {
    let error = refused(answer, Code::ResourceExhausted, Reason::QuotaExceeded);
    assert_eq!(error.retry_delay(), None);
    let of = |name| error.metadata(name).unwrap().to_owned();
    (of("quota"), of("limit"))
}

fn quota(name: &str, limit: &str) -> (String, String) {
    (name.to_owned(), limit.to_owned())
}

#[tokio::test]
async fn a_tenant_gets_no_more_registrations_policies_and_authorizations_than_it_may_have() {
    let house = House::plan().enforce(LIMITS).open().await;
    let third = CreateClientRegistrationRequest {
        registration_id: "third".to_owned(),
        ..registration("acme", Provider::Evercam)
    };
    assert_eq!(over_quota(house.client.register(third).await), quota("client_registrations", "2"));
    house.client.create_policy(vending_policy("jwt:ci", "acme")).await.unwrap();
    let second = house.client.create_policy(vending_policy("jwt:cd", "acme")).await;
    assert_eq!(over_quota(second), quota("access_policies", "1"));
    for user in ["ada", "bob"] {
        house.client.start(&house.key(Provider::Evercam, user)).await.unwrap();
    }
    let third = house.client.start(&house.key(Provider::Evercam, "eve")).await;
    assert_eq!(over_quota(third), quota("pending_authorizations", "2"));
    house.close().await;
}

#[tokio::test]
async fn a_user_who_finds_no_room_keeps_the_link_and_one_who_consents_again_needs_none() {
    let house = House::plan().enforce(LIMITS).open().await;
    let [ada, bob] = ["ada", "bob"].map(|user| house.key(Provider::Evercam, user));
    let (started, callback) = house.approve(&bob).await;
    house.consent(Provider::Evercam, "ada").await;
    assert_eq!(over_quota(house.client.complete(&bob, &callback).await), quota("grants", "1"));
    let kept = house.client.authorization("acme", &started.authorization_id).await.unwrap();
    assert_eq!(kept.state(), AuthorizationState::Pending);
    assert_eq!(over_quota(house.client.start(&bob).await), quota("grants", "1"));
    let (_, again) = house.approve(&ada).await;
    house.client.complete(&ada, &again).await.unwrap();
    house.close().await;
}
