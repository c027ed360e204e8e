//! The life of a grant, from consent to revocation.

use broker_proto::v1::{GrantState, Reason, RevokeGrantRequest};
use tonic::Code;

use super::server::Server;
use super::{Shows, consent, house, key, register};
use crate::errors::refused;

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_client_with_a_secret_consents_rotates_and_revokes() {
    let server = Server::start().await;
    let house = house(&server).await;
    for shows in [Shows::Basic, Shows::Post] {
        register(&house, shows).await;
        lives(&house, &server, shows).await;
    }
    house.close().await;
}

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_public_client_consents_rotates_and_revokes() {
    let server = Server::start().await;
    let house = house(&server).await;
    register(&house, Shows::Nothing).await;
    lives(&house, &server, Shows::Nothing).await;
    house.close().await;
}

async fn lives(house: &broker_e2e::House, server: &Server, shows: Shows) {
    let (key, grant) = consent(house, server, shows).await;
    assert_eq!((grant.state(), grant.generation), (GrantState::Active, 1));
    let first = house.vend(&key).await.unwrap();
    assert_eq!(server.user_info(&first.headers["authorization"]).await, 200);

    for generation in 2..=4 {
        let refreshed = house.client.refresh(&key).await.unwrap();
        assert_eq!(refreshed.generation, generation, "{}", shows.client_id());
    }
    let token = house.vend(&key).await.unwrap();
    assert_ne!(token.access_token, first.access_token);
    assert_eq!(server.user_info(&token.headers["authorization"]).await, 200);

    let revoke = RevokeGrantRequest { key: Some(key.clone()) };
    house.client.consents().revoke_grant(revoke).await.unwrap();
    refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);
    gone(server, &token.headers["authorization"]).await;
}

/// The provider is told after the answer.
async fn gone(server: &Server, authorization: &str) {
    let waiting = async {
        while server.user_info(authorization).await != 401 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(broker_e2e::LONGEST_WAIT, waiting).await.expect("it is revoked there too");
}

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_token_that_was_given_is_active_for_its_own_client() {
    let server = Server::start().await;
    let house = house(&server).await;
    register(&house, Shows::Post).await;
    consent(&house, &server, Shows::Post).await;
    let token = house.vend(&key(Shows::Post)).await.unwrap();
    assert!(server.is_active(&token.access_token).await);
    assert!(!server.is_active("never-given").await);
    house.close().await;
}

/// RFC 9207: the callback of this server names its issuer.
#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_callback_names_the_issuer_and_another_one_is_refused() {
    let server = Server::start().await;
    let house = house(&server).await;
    register(&house, Shows::Basic).await;
    let key = key(Shows::Basic);
    let started = house.client.start(&key).await.unwrap();
    let callback = server.approve(&started.authorization_url).await;
    let (before, issuer) = callback.split_once("iss=").unwrap();
    assert!(issuer.starts_with("http%3A%2F%2F127.0.0.1"), "{callback}");
    for mixed_up in [format!("{before}iss=https%3A%2F%2Fevil.example"), before.to_owned()] {
        refused(
            house.client.complete(&key, &mixed_up).await,
            Code::FailedPrecondition,
            Reason::AuthorizationInvalid,
        );
    }
    house.client.complete(&key, &callback).await.expect("a wrong callback uses nothing up");
    house.close().await;
}
