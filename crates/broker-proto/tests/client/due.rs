//! When a newer token is asked for.

use std::time::Duration;

use broker_proto::client::Options;

use crate::{LIFE, client, client_with, key, pass};

#[tokio::test(start_paused = true)]
async fn a_watched_token_whose_successor_does_not_come_is_asked_for() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    fake.rotate("ada");
    pass(LIFE.as_secs() / 2 + 20).await;
    assert_eq!(fake.script().gets.len(), 1);
    pass(20).await;
    assert_eq!(fake.script().gets.len(), 2);
    assert_eq!(client.token(&key).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_asked_for_once_it_is_valid_for_too_short_whatever_the_hint() {
    for user in ["ada", "machine"] {
        let (client, fake) = client();
        fake.script().hints_at_the_end = true;
        let key = key(user);
        client.token(&key).await.unwrap();
        fake.rotate(user);
        pass(LIFE.as_secs() - 62).await;
        assert_eq!(client.token(&key).await.unwrap().generation(), 1);
        assert_eq!(fake.script().gets.len(), 1);
        pass(2).await;
        assert_eq!(client.token(&key).await.unwrap().generation(), 2, "{user}");
        assert_eq!(fake.script().gets.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn times_without_end_never_come_and_end_nothing() {
    let (client, fake) = client_with(|options| Options {
        deadline: Duration::MAX,
        forget_after: Duration::MAX,
        overdue_after: Duration::MAX,
        longest_retry: Duration::MAX,
        ..options
    });
    for user in ["ada", "machine"] {
        client.token(&key(user)).await.unwrap();
        fake.rotate(user);
    }
    pass(LIFE.as_secs() / 2).await;
    let asked: Vec<_> = fake.script().gets.iter().map(|get| get.user_id.clone()).collect();
    assert_eq!(asked, ["ada", "machine", "machine"], "a watched token is never overdue");
}

#[tokio::test(start_paused = true)]
async fn who_never_retries_asks_once() {
    let (client, fake) = client_with(|options| Options {
        first_retry: Duration::MAX,
        longest_retry: Duration::MAX,
        ..options
    });
    client.token(&key("machine")).await.unwrap();
    fake.script().outage = Some(tonic::Status::unavailable("down"));
    for _ in 0..3 {
        assert!(client.token(&key("nobody")).await.is_err());
    }
    pass(LIFE.as_secs()).await;
    assert_eq!(fake.script().gets.len(), 2);
}
