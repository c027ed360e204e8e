//! Tokens that a provider rejected.

use tonic::Code;

use crate::{client, key};

#[tokio::test(start_paused = true)]
async fn a_reported_token_is_replaced_by_what_the_broker_answers() {
    let (client, fake) = client();
    let key = key("ada");
    let token = client.token(&key).await.unwrap();
    fake.script().refreshes = true;

    let newer = client.report_rejected(&token, 401, &"é".repeat(600)).await.unwrap();

    assert_eq!((newer.generation(), client.token(&key).await.unwrap().generation()), (2, 2));
    let report = fake.script().reports[0].clone();
    assert_eq!((report.generation, report.http_status, report.detail.len()), (1, 401, 1024));
    assert_eq!(fake.script().gets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_replaced_already_is_not_reported() {
    let (client, fake) = client();
    let token = client.token(&key("ada")).await.unwrap();
    fake.script().refreshes = true;
    for _ in 0..2 {
        assert_eq!(client.report_rejected(&token, 401, "").await.unwrap().generation(), 2);
    }
    assert_eq!(fake.script().reports.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_fails_leaves_the_token() {
    let (client, fake) = client();
    let key = key("ada");
    let token = client.token(&key).await.unwrap();
    fake.script().outage = Some(tonic::Status::unavailable("down"));
    assert!(client.report_rejected(&token, 401, "").await.is_err());
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_report_that_is_refused_ends_the_token() {
    let (client, fake) = client();
    let key = key("ada");
    let token = client.token(&key).await.unwrap();
    fake.script().outage = Some(tonic::Status::failed_precondition("the user must consent"));
    assert!(client.report_rejected(&token, 401, "").await.is_err());
    assert_eq!(client.token(&key).await.unwrap_err().broker().unwrap().code(), Code::FailedPrecondition);
    fake.script().outage = None;
    assert_eq!(client.token(&key).await.unwrap().generation(), 1, "a refusal is not kept");
}
