//! What becomes of callers while the broker is away.

use std::time::Duration;

use broker_proto::v1::TokenInvalidation;
use broker_proto::v1::watch_access_tokens_response::Update;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{LIFE, client, key, pass};

#[tokio::test(start_paused = true)]
async fn an_outage_is_survived_as_long_as_the_token_lives() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    fake.script().outage = Some(Status::unavailable("down"));
    for _ in 0..LIFE.as_secs() / 10 - 1 {
        pass(10).await;
        assert_eq!(client.token(&key).await.unwrap().generation(), 1);
    }
    pass(10).await;
    let error = client.token(&key).await.unwrap_err();
    assert_eq!(error.broker().unwrap().code(), Code::Unavailable);

    fake.script().outage = None;
    pass(30).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_broker_is_asked_seldom_while_it_is_away() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    fake.script().outage = Some(Status::unavailable("down"));
    for _ in 0..LIFE.as_secs() - 1 {
        pass(1).await;
        client.token(&key).await.unwrap();
    }
    // Waits of half a second, doubled to half a minute, in the second half of the token's life.
    let asked = fake.script().gets.len();
    assert!((10..25).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_as_seldom_by_who_has_no_token() {
    let (client, fake) = client();
    fake.script().outage = Some(Status::unavailable("down"));
    for _ in 0..LIFE.as_secs() {
        let error = client.token(&key("ada")).await.unwrap_err();
        assert_eq!(error.broker().unwrap().code(), Code::Unavailable);
        pass(1).await;
    }
    // Waits of half a second, doubled to half a minute.
    let asked = fake.script().gets.len();
    assert!((20..30).contains(&asked), "{asked}");
}

#[tokio::test(start_paused = true)]
async fn who_has_no_token_asks_again_when_the_broker_says() {
    let (client, fake) = client();
    let key = key("ada");
    fake.script().outage = Some(asking_to_wait(90));
    assert!(client.token(&key).await.is_err());
    fake.script().outage = None;
    pass(89).await;
    assert!(client.token(&key).await.is_err());
    assert_eq!(fake.script().gets.len(), 1);
    pass(2).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_told_token_ends_an_error() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    fake.script().outage = Some(asking_to_wait(3600));
    fake.tell(&key, Update::Invalidation(TokenInvalidation { generation: 1, cause: 0 }));
    pass(0).await;
    assert!(client.token(&key).await.is_err());
    fake.rotate("ada");
    fake.tell(&key, Update::Token(fake.token("ada")));
    pass(0).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_asked_for_each_time() {
    let (client, fake) = client();
    fake.script().outage = Some(Status::not_found("no such grant"));
    for asked in 1..4 {
        assert!(client.token(&key("ada")).await.is_err());
        assert_eq!(fake.script().gets.len(), asked);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_ends_a_held_token() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    fake.script().outage = Some(Status::permission_denied("no more"));
    pass(LIFE.as_secs() / 2 + 31).await;
    assert_eq!(client.token(&key).await.unwrap_err().broker().unwrap().code(), Code::PermissionDenied);
}

#[tokio::test(start_paused = true)]
async fn without_a_stream_a_token_is_refreshed_when_the_broker_hinted() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    fake.break_stream(asking_to_wait(400));
    fake.rotate("ada");
    pass(LIFE.as_secs() / 2).await;
    assert_eq!(fake.script().gets.len(), 2);
    assert_eq!(client.token(&key).await.unwrap().generation(), 2);
    assert_eq!(fake.script().gets.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_stream_is_opened_again_when_the_broker_says() {
    let (client, fake) = client();
    client.token(&key("ada")).await.unwrap();
    pass(2).await;
    fake.break_stream(asking_to_wait(90));
    pass(89).await;
    assert_eq!(fake.script().watches.len(), 1);
    pass(2).await;
    assert_eq!(fake.script().watches.len(), 2);
    assert!(fake.is_watched());
}

fn asking_to_wait(seconds: u64) -> Status {
    let details = ErrorDetails::with_retry_info(Some(Duration::from_secs(seconds)));
    Status::with_error_details(Code::Unavailable, "stopping", details)
}
