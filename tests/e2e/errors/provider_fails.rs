//! A provider that is down, slow, throttling or talking nonsense.

use std::time::Duration;

use broker_e2e::{House, Provider, ask};
use broker_proto::v1::{
    GetAccessTokenRequest, GrantErrorKind, GrantPhase, GrantState, Reason, ServedStaleReason,
};
use provider_sim::{Endpoint, Fault, FaultBody, RetryAfter, When};
use serde_json::json;
use tonic::Code;

use super::refused;

#[tokio::test]
async fn without_a_valid_token_a_provider_that_is_down_is_an_error() {
    for provider in Provider::ALL {
        let mut house = House::open().await;
        let key = house.consent(provider, "ada").await;
        house.outlive_token(provider);
        house.shut_down(provider).await;

        let error = refused(house.vend(&key).await, Code::Unavailable, Reason::ProviderUnavailable);

        assert!(error.retry_delay().unwrap() > Duration::ZERO);
        let grant = house.client.grant(&key).await.unwrap();
        assert_eq!(grant.last_error.unwrap().kind(), GrantErrorKind::Unreachable);
        assert_eq!(
            (grant.phase.try_into(), grant.tainted),
            (Ok(GrantPhase::Idle), false),
            "nothing was sent"
        );
        house.close().await;
    }
}

#[tokio::test]
async fn a_token_that_is_still_valid_is_served_although_its_refresh_failed() {
    for provider in Provider::ALL {
        let mut house = House::open().await;
        let key = house.consent(provider, "ada").await;
        let first = house.vend(&key).await.unwrap();
        house.clock.advance(provider.token_life() * 3 / 4);
        house.shut_down(provider).await;

        // More than is left, and at most half of its life: a refresh is due.
        let min_validity = prost_types::Duration::try_from(provider.token_life() / 2).unwrap();
        let request = GetAccessTokenRequest { min_validity: Some(min_validity), ..ask(&key) };
        let served = house.vend_as(request).await.unwrap();

        assert_eq!(served.served_stale_reason(), ServedStaleReason::RefreshFailed);
        assert_eq!((served.generation, &served.access_token), (1, &first.access_token));
        let undemanding = house.vend(&key).await.unwrap();
        assert_eq!(
            undemanding.served_stale_reason(),
            ServedStaleReason::Unspecified,
            "a minute is left, easily"
        );
        house.close().await;
    }
}

#[tokio::test]
async fn a_token_that_outlives_its_grant_is_served_with_the_reason() {
    let house = House::open().await;
    let provider = Provider::Evercam;
    let simulator = house.simulator(provider);
    let rejected = house.consent(provider, "ada").await;
    simulator.set_client_secret(provider.client_id(), "changed-behind-the-tenants-back").unwrap();
    house.client.refresh(&rejected).await.unwrap_err();
    simulator.set_client_secret(provider.client_id(), provider.client_secret()).unwrap();
    let revoked = house.consent(provider, "bob").await;
    let dead = FaultBody::Json(json!({ "error": "invalid_grant" }));
    simulator.faults().push(Fault::respond(Endpoint::Refresh, When::BeforeCommit, 400, dead).times(2));
    house.client.refresh(&revoked).await.unwrap_err();
    house.clock.advance(Duration::from_secs(61));
    house.client.refresh(&revoked).await.unwrap_err();

    let served = house.vend(&revoked).await.unwrap();
    assert_eq!(served.served_stale_reason(), ServedStaleReason::ConsentRequired);
    assert_eq!(house.api_status(provider, &served).await, 200);
    simulator.set_client_secret(provider.client_id(), "changed-once-more-behind-their-back").unwrap();
    house.clock.advance(provider.token_life() * 3 / 4);
    let min_validity = prost_types::Duration::try_from(provider.token_life() / 2).unwrap();
    let request = GetAccessTokenRequest { min_validity: Some(min_validity), ..ask(&rejected) };
    let served = house.vend_as(request).await.unwrap();
    assert_eq!(served.served_stale_reason(), ServedStaleReason::ClientRegistrationRejected);
    house.close().await;
}

/// A fault, and what the broker makes of it.
struct Row {
    name: &'static str,
    fault: Fault,
    reason: Reason,
    kind: GrantErrorKind,
    phase: GrantPhase,
    /// Seconds after which a caller is told to come back: at least and at most.
    retry: (u64, u64),
}

/// Answers that may hide a rotation: the token is shown again only after the orphan wait.
fn uncertain(name: &'static str, fault: Fault) -> Row {
    let (kind, phase) = (GrantErrorKind::Uncertain, GrantPhase::Uncertain);
    Row { name, fault, reason: Reason::ProviderUnavailable, kind, phase, retry: (120, 120) }
}

/// Answers that surely moved nothing: retried within seconds.
fn refusal(name: &'static str, fault: Fault, kind: GrantErrorKind, retry: (u64, u64)) -> Row {
    Row { name, fault, reason: Reason::ProviderUnavailable, kind, phase: GrantPhase::Idle, retry }
}

fn respond(status: u16, body: FaultBody) -> Fault {
    Fault::respond(Endpoint::Refresh, When::BeforeCommit, status, body)
}

fn throttled(retry_after: RetryAfter) -> Fault {
    Fault::too_many_requests(Endpoint::Refresh, Some(retry_after))
}

fn rows() -> Vec<Row> {
    let error = |code: &str| respond(200, FaultBody::Json(json!({ "error": code })));
    let after = |status, body| Fault::respond(Endpoint::Refresh, When::AfterCommit, status, body);
    vec![
        uncertain("a page with 200", respond(200, FaultBody::Html)),
        uncertain("half an object", respond(200, FaultBody::Truncated)),
        uncertain("nothing with 200", respond(200, FaultBody::Empty)),
        uncertain("an object without tokens", respond(200, FaultBody::Json(json!({ "ok": true })))),
        uncertain("an empty token", respond(200, FaultBody::Json(json!({ "access_token": "" })))),
        uncertain("a page with 500", respond(500, FaultBody::Html)),
        uncertain("500 after the rotation", after(500, FaultBody::Html)),
        uncertain("502 with half an answer", after(502, FaultBody::Truncated)),
        uncertain("503", respond(503, FaultBody::Provider)),
        uncertain("a server's failure in the clothes of a refusal", error("server_error")),
        uncertain("the connection closed", Fault::drop_connection(Endpoint::Refresh, When::BeforeCommit)),
        refusal("an error with 200", error("no_such_thing"), GrantErrorKind::Refused, (1, 5)),
        refusal("404", respond(404, FaultBody::Html), GrantErrorKind::Refused, (1, 5)),
        refusal("429", throttled(RetryAfter::Seconds(17)), GrantErrorKind::Throttled, (17, 17)),
        refusal("429 until a date", throttled(RetryAfter::DateIn(90)), GrantErrorKind::Throttled, (90, 90)),
        Row {
            name: "a dead token with 200",
            fault: error("invalid_grant"),
            reason: Reason::RefreshInProgress,
            kind: GrantErrorKind::DeadToken,
            phase: GrantPhase::Suspect,
            retry: (60, 60),
        },
    ]
}

#[tokio::test]
async fn every_bad_answer_has_its_meaning() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let rows = rows();
        let mut keys = Vec::new();
        for number in 0..rows.len() {
            keys.push(house.consent(provider, &format!("user-{number}")).await);
        }
        let healthy = house.consent(provider, "healthy").await;
        house.outlive_token(provider);
        for (row, key) in rows.into_iter().zip(keys) {
            // A success in between: many failures in a row would say that the provider is down.
            house.client.refresh(&healthy).await.unwrap();
            house.simulator(provider).faults().push(row.fault);
            let Err(error) = house.vend(&key).await else { panic!("{}: a token was served", row.name) };

            assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some(row.reason)), "{}", row.name);
            let retry = error.retry_delay().unwrap();
            let (least, most) = (Duration::from_secs(row.retry.0), Duration::from_secs(row.retry.1));
            assert!(retry >= least && retry <= most, "{}: {retry:?}", row.name);
            let grant = house.client.grant(&key).await.unwrap();
            assert_eq!((grant.state(), grant.phase()), (GrantState::Active, row.phase), "{}", row.name);
            assert_eq!(grant.last_error.unwrap().kind(), row.kind, "{}", row.name);
            assert_eq!(grant.tainted, row.phase == GrantPhase::Uncertain, "{}", row.name);
            if row.kind == GrantErrorKind::Throttled {
                // Until then nobody of this registration is let through.
                house.clock.advance(most);
            }
        }
        house.close().await;
    }
}

#[tokio::test]
async fn a_failed_exchange_can_be_begun_again() {
    for provider in Provider::ALL {
        let house = House::open().await;
        let key = house.key(provider, "ada");
        for (fault, retry) in [
            (Fault::respond(Endpoint::Exchange, When::BeforeCommit, 503, FaultBody::Html), 5),
            (Fault::too_many_requests(Endpoint::Exchange, Some(RetryAfter::Seconds(9))), 9),
        ] {
            house.simulator(provider).faults().push(fault);
            let (_, callback) = house.approve(&key).await;
            let completed = house.client.complete(&key, &callback).await;
            let error = refused(completed, Code::Unavailable, Reason::ProviderUnavailable);
            assert_eq!(error.retry_delay(), Some(Duration::from_secs(retry)));
        }
        let key = house.consent(provider, "ada").await;
        assert_eq!(house.vend(&key).await.unwrap().generation, 1);
        house.close().await;
    }
}
