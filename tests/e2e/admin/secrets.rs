use broker_e2e::client::read;
use broker_e2e::{House, Provider};
use broker_proto::v1::{AddClientSecretRequest, ClientRegistrationState, GrantErrorKind, Reason};
use provider_sim::Endpoint;
use tonic::Code;

use super::{add_secret, most_looks, registration, retire_secret, until};
use crate::errors::{bad_fields, refused};

fn ids(registration: &broker_proto::v1::ClientRegistration) -> Vec<&str> {
    registration.secrets.iter().map(|secret| secret.secret_id.as_str()).collect()
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_gap() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let of = ("acme", provider);
        let key = house.consent(provider, "ada").await;
        let added = add_secret(&house, of, "the-next-one", false).await;
        assert_eq!(added.secret_id, "2");
        assert_eq!(ids(&added.client_registration.unwrap()), ["1", "2"]);
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);

        let simulator = house.simulator(provider);
        simulator.set_client_secret(provider.client_id(), "the-next-one").unwrap();
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 3);
        assert_eq!(most_looks(simulator.journal()), 1, "{provider:?}: no token was looked at twice");
        let refreshes = || simulator.journal().count(|entry| entry.endpoint == Endpoint::Refresh);
        assert_eq!(refreshes(), 3, "the old secret was tried once more, then the new one");
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 4);
        assert_eq!(refreshes(), 4, "{provider:?}: the one that was accepted is tried first");

        let learnt = registration(&house, "acme", provider).await;
        assert_eq!(ids(&learnt), ["2", "1"]);
        assert!(learnt.secrets.iter().all(|secret| secret.last_accepted_time.is_some()));
        let left = retire_secret(&house, of, "1", &learnt.etag).await.unwrap();
        assert_eq!(ids(&left), ["2"]);
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 5);
        house.close().await;
    }
}

#[tokio::test]
async fn what_cannot_be_retired_or_added_is_told() {
    let house = House::open().await;
    let of = ("acme", Provider::Evercam);
    let last = retire_secret(&house, of, "1", "").await;
    refused(last, Code::FailedPrecondition, Reason::ResourceInUse);
    for nobody in ["2", "0", "main", ""] {
        let refusal = retire_secret(&house, of, nobody, "").await;
        refused(refusal, Code::NotFound, Reason::ResourceNotFound);
    }
    let etag = registration(&house, "acme", Provider::Evercam).await.etag;
    add_secret(&house, of, "another-secret", true).await;
    refused(retire_secret(&house, of, "1", &etag).await, Code::Aborted, Reason::EtagMismatch);
    let stranger = retire_secret(&house, ("nobody", Provider::Evercam), "1", "").await;
    refused(stranger, Code::NotFound, Reason::NoClientRegistration);

    let empty = AddClientSecretRequest {
        tenant_id: "acme".to_owned(),
        provider: "evercam".to_owned(),
        registration_id: "main".to_owned(),
        ..Default::default()
    };
    assert_eq!(bad_fields(read(house.client.admin().add_client_secret(empty).await)), ["client_secret"]);
    house.close().await;
}

#[tokio::test]
async fn a_rejected_registration_says_so_until_it_is_repaired() {
    let house = House::open().await;
    let provider = Provider::Evercam;
    let key = house.consent(provider, "ada").await;
    house.simulator(provider).set_client_secret(provider.client_id(), "the-good-one").unwrap();
    let refusal = house.client.refresh(&key).await;
    refused(refusal, Code::FailedPrecondition, Reason::ClientRegistrationRejected);
    let state = async || registration(&house, "acme", provider).await.state();
    assert_eq!(state().await, ClientRegistrationState::Rejected);
    assert_eq!(
        house.client.grant(&key).await.unwrap().last_error.unwrap().kind(),
        GrantErrorKind::ClientRejected
    );

    add_secret(&house, ("acme", provider), "the-good-one", false).await;
    until(async || house.client.grant(&key).await.unwrap().generation == 2).await;
    assert_eq!(state().await, ClientRegistrationState::Active);
    house.close().await;
}

#[tokio::test]
async fn a_first_consent_finds_the_good_secret_too() {
    for provider in Provider::ALL {
        let house = House::open().await;
        house.simulator(provider).set_client_secret(provider.client_id(), "the-good-one").unwrap();
        add_secret(&house, ("acme", provider), "the-good-one", false).await;
        let key = house.consent(provider, "ada").await;
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        let exchanges =
            house.simulator(provider).journal().count(|entry| entry.endpoint == Endpoint::Exchange);
        assert_eq!(exchanges, 2, "{provider:?}");
        house.close().await;
    }
}
