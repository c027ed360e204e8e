//! A refresh token that is shown again.

use std::time::Duration;

use broker_proto::v1::{GrantState, Reason};
use tonic::Code;

use super::server::Server;
use super::{Shows, consent, house, register};
use crate::errors::refused;

#[tokio::test]
#[ignore = "needs node and npm"]
async fn a_stolen_token_that_is_shown_again_ends_the_grant_and_the_user_is_asked() {
    let server = Server::start().await;
    for shows in [Shows::Basic, Shows::Post, Shows::Nothing] {
        ends_the_grant(&server, shows).await;
    }
}

/// In a house of its own: its clock is moved far on.
async fn ends_the_grant(server: &Server, shows: Shows) {
    let house = house(server).await;
    register(&house, shows).await;
    let (key, _) = consent(&house, server, shows).await;
    assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2, "{}", shows.client_id());

    let replayed = server.replay(shows.client_id()).await;
    assert_eq!((replayed["status"].as_u64(), replayed["error"].as_str()), (Some(400), Some("invalid_grant")));

    // Refused once, and once more after a pause: only then is it believed.
    house.client.refresh(&key).await.unwrap_err();
    house.clock.advance(Duration::from_secs(2));
    let _ = house.client.refresh(&key).await;
    let grant = house.client.grant(&key).await.unwrap();
    assert_eq!(grant.state(), GrantState::NeedsConsent, "{}: {grant:?}", shows.client_id());
    house.clock.advance(Duration::from_secs(2 * 3600));
    refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);

    let (key, grant) = consent(&house, server, shows).await;
    assert_eq!(grant.state(), GrantState::Active);
    assert_eq!(server.user_info(&house.vend(&key).await.unwrap().headers["authorization"]).await, 200);
    house.close().await;
}
