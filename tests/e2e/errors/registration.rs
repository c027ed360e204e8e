//! A client secret that the provider does not take: the application's fault, never the user's.

use std::time::Duration;

use broker_e2e::{House, Provider};
use broker_proto::v1::{
    AuthorizationFailure, AuthorizationState, GrantErrorKind, GrantPhase, GrantState, Reason,
};
use provider_sim::Endpoint;
use tonic::Code;

use super::refused;

#[tokio::test]
async fn a_wrong_secret_at_refresh_burns_no_grant() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator.set_client_secret(provider.client_id(), "changed-behind-the-tenants-back").unwrap();

        for answer in [house.client.refresh(&key).await.map(drop), house.vend(&key).await.map(drop)] {
            let error = refused(answer, Code::FailedPrecondition, Reason::ClientRegistrationRejected);
            assert_eq!(error.metadata("registration_id"), Some("main"));
        }
        let refreshes = || simulator.journal().count(|entry| entry.endpoint == Endpoint::Refresh);
        assert_eq!(
            refreshes(),
            1,
            "{provider:?}: while a refused secret rests, the provider is not asked again"
        );
        let grant = house.client.grant(&key).await.unwrap();
        assert_eq!(
            (grant.state(), grant.phase(), grant.tainted),
            (GrantState::Active, GrantPhase::Idle, false)
        );
        let failure = grant.last_error.unwrap();
        assert_eq!(failure.kind(), GrantErrorKind::ClientRejected);
        assert_eq!((failure.oauth_error.as_str(), failure.http_status), ("invalid_client", 401));

        simulator.set_client_secret(provider.client_id(), provider.client_secret()).unwrap();
        let resting = house.client.refresh(&key).await;
        refused(resting, Code::FailedPrecondition, Reason::ClientRegistrationRejected);
        assert_eq!(refreshes(), 1, "{provider:?}: the registration rests for a minute");
        house.clock.advance(Duration::from_secs(60));
        assert_eq!(house.client.refresh(&key).await.unwrap().generation, 2);
        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn a_wrong_secret_at_the_exchange_is_told_as_such() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        let (started, callback) = house.approve(&key).await;
        let simulator = house.simulator(provider);
        simulator.set_client_secret(provider.client_id(), "changed-behind-the-tenants-back").unwrap();

        let completed = house.client.complete(&key, &callback).await;

        let error = refused(completed, Code::FailedPrecondition, Reason::ClientRegistrationRejected);
        assert_eq!(error.metadata("registration_id"), Some("main"));
        let authorization = house.client.authorization("acme", &started.authorization_id).await.unwrap();
        assert_eq!(authorization.state(), AuthorizationState::Failed);
        assert_eq!(authorization.failure(), AuthorizationFailure::ClientRejected);
        assert_eq!(authorization.grant_id, "");
        refused(house.vend(&key).await, Code::NotFound, Reason::GrantNotFound);

        simulator.set_client_secret(provider.client_id(), provider.client_secret()).unwrap();
        let key = house.consent(provider, "ada").await;
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        house.close().await;
    }
}
