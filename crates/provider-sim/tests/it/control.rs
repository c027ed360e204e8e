//! The control path of a running simulator.

use provider_sim::control::{AdvanceClock, ClockFace, Revoked};
use provider_sim::{Endpoint, Entry, Fault, When};
use serde_json::json;

use crate::een::{ALICE, Een, ID};
use crate::http::send;

async fn post(een: &Een, path: &str, body: &impl serde::Serialize) -> crate::http::Answer {
    send(&een.base, "POST", path, &[], &serde_json::to_string(body).unwrap()).await
}

#[tokio::test]
async fn faults_are_added_listed_and_removed() {
    let een = Een::demo().await;
    let fault = Fault::drop_connection(Endpoint::Refresh, When::AfterCommit).forever();
    assert_eq!(post(&een, "/_sim/faults", &fault).await.status, 204);
    let listed = send(&een.base, "GET", "/_sim/faults", &[], "").await;
    assert_eq!(serde_json::from_slice::<Vec<Fault>>(&listed.body).unwrap(), [fault]);
    assert!(een.try_refresh("x").await.is_err());
    assert_eq!(send(&een.base, "DELETE", "/_sim/faults", &[], "").await.status, 204);
    assert!(een.try_refresh("x").await.is_ok());
    assert_eq!(post(&een, "/_sim/faults", &json!({"endpoint": "nowhere"})).await.status, 400);
}

#[tokio::test]
async fn the_clock_is_advanced() {
    let een = Een::demo().await;
    let code = een.code().await;
    let before = send(&een.base, "GET", "/_sim/clock", &[], "").await;
    let after = post(&een, "/_sim/clock/advance", &AdvanceClock { seconds: 300 }).await;
    let read = |body: &[u8]| serde_json::from_slice::<ClockFace>(body).unwrap().millis;
    assert_eq!(read(&after.body) - read(&before.body), 300_000);
    assert_eq!(een.exchange(&code).await.status, 400);
}

#[tokio::test]
async fn the_journal_is_read_and_leaves_the_controls_out() {
    let een = Een::demo().await;
    een.refresh("unknown").await;
    let answer = send(&een.base, "GET", "/_sim/journal", &[], "").await;
    let entries: Vec<Entry> = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(entries.iter().map(|entry| entry.endpoint).collect::<Vec<_>>(), [Endpoint::Refresh]);
}

#[tokio::test]
async fn users_are_revoked_and_secrets_are_set() {
    let een = Een::demo().await;
    let (_, refresh) = een.grant().await;
    let revoked = post(&een, "/_sim/revocations", &json!({"user": ALICE})).await;
    assert_eq!(serde_json::from_slice::<Revoked>(&revoked.body).unwrap().grants, 1);
    assert_eq!(een.refresh(&refresh).await.error(), (400, "invalid_grant".into()));
    let order = json!({"client_id": ID, "client_secret": "new"});
    assert_eq!(post(&een, "/_sim/client-secrets", &order).await.status, 204);
    assert_eq!(een.refresh(&refresh).await.error(), (401, "invalid_client".into()));
    assert_eq!(send(&een.base, "GET", "/_sim/unknown", &[], "").await.status, 404);
}
