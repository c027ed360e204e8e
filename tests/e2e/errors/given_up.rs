//! When only the user can help, and when it merely looks so.

use std::time::Duration;

use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{GetAccessTokenRequest, GrantState, NeedsConsentCause, Reason, ServedStaleReason};
use provider_sim::{EagleEyeConfig, Endpoint, Fault, GrantPolicy, When};
use tonic::Code;

use super::refused;

const DAY: Duration = Duration::from_secs(24 * 3600);
const ORPHAN_WAIT: Duration = Duration::from_secs(121);

#[tokio::test]
async fn a_revoked_grant_is_given_up_at_the_second_refusal_only() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator
            .revoke_all_of_user(if provider == Provider::Evercam { "alice" } else { "a11ce001" })
            .unwrap();

        let error = refused(house.vend(&key).await, Code::Unavailable, Reason::RefreshInProgress);
        assert_eq!(error.retry_delay(), Some(Duration::from_secs(60)));
        refused(house.vend(&key).await, Code::Unavailable, Reason::RefreshInProgress);
        let refreshes = || simulator.journal().count(|entry| entry.endpoint == Endpoint::Refresh);
        assert_eq!(refreshes(), 1, "it is not shown again before a minute is over");

        house.clock.advance(Duration::from_secs(61));
        let error = refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);
        assert_eq!(error.metadata("cause"), Some("REVOKED"));
        assert_eq!(refreshes(), 2);
        let grant = house.client.grant(&key).await.unwrap();
        assert_eq!(grant.state(), GrantState::NeedsConsent);
        assert_eq!(grant.needs_consent_cause(), NeedsConsentCause::Revoked);
        refused(house.client.refresh(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);
        assert_eq!(refreshes(), 2, "what is given up is not asked for");

        let again = house.consent(provider, "ada").await;
        assert_eq!(house.vend(&again).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn a_refusal_that_was_a_mistake_costs_nothing() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let dead = provider_sim::FaultBody::Json(serde_json::json!({ "error": "invalid_grant" }));
        let fault = Fault::respond(Endpoint::Refresh, When::BeforeCommit, 400, dead);
        house.simulator(provider).faults().push(fault);

        refused(house.vend(&key).await, Code::Unavailable, Reason::RefreshInProgress);
        house.clock.advance(Duration::from_secs(61));
        assert_eq!(house.vend(&key).await.unwrap().generation, 2);
        house.close().await;
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_after_the_rotation_is_a_lost_rotation() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::drop_connection(Endpoint::Refresh, When::AfterCommit));

        refused(house.vend(&key).await, Code::Unavailable, Reason::ProviderUnavailable);
        assert!(house.client.grant(&key).await.unwrap().tainted);
        house.clock.advance(ORPHAN_WAIT);
        let error = refused(house.vend(&key).await, Code::FailedPrecondition, Reason::ConsentRequired);

        assert_eq!(error.metadata("cause"), Some("LOST_ROTATION"));
        let grant = house.client.grant(&key).await.unwrap();
        assert_eq!(grant.needs_consent_cause(), NeedsConsentCause::LostRotation);
        house.close().await;
    }
}

#[tokio::test]
async fn an_answer_that_was_lost_before_the_rotation_heals() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        let simulator = house.simulator(provider);
        simulator.faults().push(Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit));

        refused(house.vend(&key).await, Code::Unavailable, Reason::ProviderUnavailable);
        house.clock.advance(ORPHAN_WAIT);
        let token = house.vend(&key).await.unwrap();

        assert_eq!((token.generation, token.served_stale_reason()), (2, ServedStaleReason::Unspecified));
        assert_eq!(house.api_status(provider, &token).await, 200);
        assert!(!house.client.grant(&key).await.unwrap().tainted, "an adoption clears the taint");
        house.close().await;
    }
}

#[tokio::test]
async fn eagle_eyes_window_of_seven_days_ends_the_grant() {
    let fixed7 = EagleEyeConfig { grant_policy: GrantPolicy::fixed7(), ..EagleEyeConfig::demo() };
    let house = House::plan().eagle_eye(fixed7).open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    let dies = house.vend(&key).await.unwrap().grant_expire_time.unwrap();
    assert_eq!(dies.seconds, house.clock.seconds() + 7 * 24 * 3600);
    house.clock.advance(6 * DAY);
    assert_eq!(house.vend(&key).await.unwrap().grant_expire_time, Some(dies), "no refresh moves it");

    house.clock.advance(2 * DAY);
    let error = refused(house.vend(&key).await, Code::FailedPrecondition, Reason::GrantExpired);

    assert!(error.metadata("ended_time").unwrap().starts_with("2023-11-21T22:13:20"), "{error:?}");
    assert_eq!(error.metadata("next_step"), Some("StartAuthorization"), "{error:?}");
    assert_eq!(house.client.grant(&key).await.unwrap().state(), GrantState::ConsentExpired);
    house.close().await;
}

#[tokio::test]
async fn a_window_that_is_longer_than_feared_is_used() {
    let house = House::open().await;
    let key = house.consent(Provider::EagleEye, "ada").await;
    // Refresh tokens of the simulator live 14 days.
    house.clock.advance(8 * DAY);
    assert_eq!(house.vend(&key).await.unwrap().generation, 2);
    house.close().await;
}

#[tokio::test]
async fn scopes_that_were_not_granted_are_named() {
    let house = House::open().await;
    let key = house.consent(Provider::Evercam, "ada").await;
    let required = ["cameras:read", "projects:read", "user:read"].map(str::to_owned).to_vec();
    let request = GetAccessTokenRequest { required_scopes: required, ..ask(&key) };
    let error = refused(house.vend_as(request).await, Code::FailedPrecondition, Reason::MissingScopes);
    assert_eq!(error.metadata("missing"), Some("projects:read user:read"));
    let request = GetAccessTokenRequest { required_scopes: vec!["camera:live_view".to_owned()], ..ask(&key) };
    assert!(house.vend_as(request).await.is_ok());
    house.close().await;
}
