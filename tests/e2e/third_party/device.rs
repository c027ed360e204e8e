//! Consent on another device (RFC 8628), its codes entered on the server's own pages.

use std::time::Duration;

use broker_e2e::House;
use broker_proto::v1::{AuthorizationState, GrantState, Reason, StartDeviceAuthorizationResponse};
use tonic::Code;

use super::server::Server;
use super::{Shows, key, plan, register};
use crate::device::until_ended;
use crate::errors::refused;

/// Where a server names none (RFC 8628 section 3.2).
const INTERVAL: Duration = Duration::from_secs(5);

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_user_approves_on_another_device_and_the_tokens_rotate() {
    let server = Server::start().await;
    let house = plan(&server).scheduler().open().await;
    for shows in [Shows::Basic, Shows::Post] {
        lives(&house, &server, shows).await;
    }
    house.close().await;
}

#[tokio::test]
#[ignore = "needs node and npm"]
async fn so_does_the_user_of_a_public_client() {
    let server = Server::start().await;
    let house = plan(&server).scheduler().open().await;
    lives(&house, &server, Shows::Nothing).await;
    house.close().await;
}

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_user_refuses_on_another_device() {
    let server = Server::start().await;
    let house = plan(&server).scheduler().open().await;
    let started = pending(&house, &server, Shows::Basic).await;
    server.abort(&started).await;
    house.clock.advance(INTERVAL);
    assert_eq!(until_ended(&house.client, &started).await.state(), AuthorizationState::Denied);
    refused(house.vend(&key(Shows::Basic)).await, Code::NotFound, Reason::GrantNotFound);
    house.close().await;
}

/// Starts the flow, and lets the broker poll once.
async fn pending(house: &House, server: &Server, shows: Shows) -> StartDeviceAuthorizationResponse {
    register(house, shows).await;
    let started = house.client.start_device(&key(shows)).await.unwrap();
    assert_eq!(started.interval.unwrap().seconds, 5);
    house.clock.advance(INTERVAL);
    server.until_polled(shows.client_id(), &["authorization_pending"]).await;
    house.until_settled().await;
    started
}

async fn lives(house: &House, server: &Server, shows: Shows) {
    let started = pending(house, server, shows).await;
    server.enter(&started).await;
    house.clock.advance(INTERVAL);
    let ended = until_ended(&house.client, &started).await;
    assert_eq!(ended.state(), AuthorizationState::Completed, "{}", shows.client_id());

    let key = key(shows);
    let grant = house.client.grant(&key).await.unwrap();
    assert_eq!((grant.state(), grant.generation), (GrantState::Active, 1));
    let first = house.vend(&key).await.unwrap();
    assert_eq!(server.user_info(&first.headers["authorization"]).await, 200);
    for generation in 2..=3 {
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, generation, "{}", shows.client_id());
    }
    let token = house.vend(&key).await.unwrap();
    assert_ne!(token.access_token, first.access_token);
    assert_eq!(server.user_info(&token.headers["authorization"]).await, 200);
}
