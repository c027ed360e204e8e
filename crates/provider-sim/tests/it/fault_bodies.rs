//! Bodies and headers that a client's parser must survive.

use std::time::UNIX_EPOCH;

use provider_sim::{Effect, Endpoint, Fault, FaultBody, RetryAfter, When};
use serde_json::json;

use crate::een::Een;
use crate::evercam::Evercam;

#[tokio::test]
async fn retry_after_is_absent_seconds_or_a_date() {
    let een = Een::demo().await;
    let now = een.sim.clock().now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let table = [
        (None, None),
        (Some(RetryAfter::Seconds(7)), Some("7".to_owned())),
        (Some(RetryAfter::DateIn(60)), Some(http_date(now + 60))),
    ];
    for (retry_after, expected) in table {
        een.sim.faults().push(Fault::too_many_requests(Endpoint::Refresh, retry_after));
        let answer = een.refresh("x").await;
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after").map(str::to_owned), expected);
        assert!(answer.json()["error"].is_string());
    }
}

fn http_date(seconds: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + std::time::Duration::from_secs(seconds))
}

#[tokio::test]
async fn garbage_with_status_200() {
    let een = Een::demo().await;
    let raw = FaultBody::Raw { content_type: "text/plain".into(), body: "access_token=x".into() };
    let table = [
        (FaultBody::Html, "text/html;charset=UTF-8", "<html>"),
        (FaultBody::Json(json!({"error": "invalid_grant"})), "application/json", "{\"error\""),
        (FaultBody::Truncated, "application/json", "{\"access_token\":\"ey"),
        (raw, "text/plain", "access_token=x"),
    ];
    for (body, media_type, start) in table {
        een.sim.faults().push(Fault::respond(Endpoint::Refresh, When::BeforeCommit, 200, body));
        let answer = een.refresh("x").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media_type)));
        assert!(answer.body.starts_with(start.as_bytes()), "{answer:?}");
    }
    een.sim.faults().push(Fault::respond(Endpoint::Refresh, When::BeforeCommit, 200, FaultBody::Empty));
    assert_eq!(een.refresh("x").await.body.len(), 0);
}

#[tokio::test]
async fn truncated_after_commit_is_half_of_the_real_answer() {
    let evercam = Evercam::demo().await;
    let (_, refresh) = evercam.grant().await;
    let truncated = Fault::respond(Endpoint::Refresh, When::AfterCommit, 200, FaultBody::Truncated);
    evercam.sim.faults().push(truncated);
    let answer = evercam.refresh(&refresh).await;
    assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    assert!(answer.body.starts_with(b"{\"access_token\":\"eyJ"));
    assert_eq!(evercam.sim.journal().refreshes(), 1);
}

#[tokio::test]
async fn successful_answers_can_be_rewritten() {
    let table = [
        (json!({"expires_in": "28800"}), "expires_in", json!("28800")),
        (json!({"expires_in": 0}), "expires_in", json!(0)),
        (json!({"expires_in": -1}), "expires_in", json!(-1)),
        (json!({"expires_in": 999_999_999_999_u64}), "expires_in", json!(999_999_999_999_u64)),
        (json!({"expires_in": null}), "expires_in", json!(null)),
        (json!({"refresh_token": null}), "refresh_token", json!(null)),
        (json!({"refresh_token": ""}), "refresh_token", json!("")),
        (json!({"access_token": ""}), "access_token", json!("")),
        (json!({"scope": "cameras:read"}), "scope", json!("cameras:read")),
        (
            json!({"httpsBaseUrl": {"hostname": "evil.example"}}),
            "httpsBaseUrl",
            json!({"hostname": "evil.example"}),
        ),
    ];
    for (merge, member, expected) in table {
        let evercam = Evercam::demo().await;
        let (_, refresh) = evercam.grant().await;
        evercam.sim.faults().push(Fault::rewrite(Endpoint::Refresh, merge));
        assert_eq!(evercam.refresh(&refresh).await.json()[member], expected);
    }
}

#[tokio::test]
async fn errors_are_not_rewritten() {
    let evercam = Evercam::demo().await;
    evercam.sim.faults().push(Fault::rewrite(Endpoint::Refresh, json!({"error": "other"})));
    assert_eq!(evercam.refresh("unknown").await.error(), (400, "invalid_grant".into()));
}

#[test]
fn faults_are_plain_json() {
    let written = json!({
        "endpoint": "refresh", "times": {"count": 2}, "delay_before_ms": 0, "delay_after_ms": 50,
        "effect": {"kind": "respond", "when": "after_commit", "status": 503, "body": "html", "retry_after": {"seconds": 9}},
    });
    let fault: Fault = serde_json::from_value(written.clone()).unwrap();
    assert_eq!(serde_json::to_value(&fault).unwrap(), written);
    let short: Fault = serde_json::from_value(json!({"endpoint": "revoke"})).unwrap();
    assert_eq!(short, Fault::new(Endpoint::Revoke, Effect::None));
    assert!(serde_json::from_value::<Fault>(json!({"endpoint": "refresh", "efect": 1})).is_err());
}
