//! What is answered from memory.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use crate::{LIFE, client, key, pass};

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_cause_one_call() {
    let (client, fake) = client();
    let key = key("ada");
    let tokens = join_all((0..100).map(|_| client.token(&key))).await;
    assert!(tokens.iter().all(|token| token.as_ref().unwrap().generation() == 1));
    assert_eq!(fake.script().gets.len(), 1);
    assert_eq!(fake.script().gets[0].min_validity.unwrap().seconds, 60);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_share_an_error_until_it_is_time_to_ask_again() {
    let (client, fake) = client();
    let key = key("ada");
    fake.script().outage = Some(tonic::Status::unavailable("down"));
    let tokens = join_all((0..100).map(|_| client.token(&key))).await;
    assert!(tokens.iter().all(Result::is_err));
    assert_eq!(fake.script().gets.len(), 1);
    fake.script().outage = None;
    assert!(client.token(&key).await.is_err());
    assert_eq!(fake.script().gets.len(), 1);
    pass(1).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_who_leaves_does_not_end_the_call_for_others() {
    let (client, fake) = client();
    let key = key("ada");
    let leaving = tokio::time::timeout(Duration::from_millis(5), client.token(&key));
    let (left, stayed) = tokio::join!(leaving, client.token(&key));
    assert!(left.is_err());
    assert_eq!(stayed.unwrap().generation(), 1);
    assert_eq!(fake.script().gets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_comes_from_memory_and_an_account_may_be_named() {
    let (client, fake) = client();
    let key = key("ada");
    let first = client.token(&key).await.unwrap();
    let named = broker_proto::v1::GrantKey { account: "default".to_owned(), ..key.clone() };
    assert!(Arc::ptr_eq(&first, &client.token(&named).await.unwrap()));
    assert_eq!(fake.script().gets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_nobody_uses_is_forgotten() {
    let (client, fake) = client();
    let (ada, bob) = (key("ada"), key("bob"));
    client.token(&ada).await.unwrap();
    pass(1800).await;
    client.token(&bob).await.unwrap();
    pass(1810).await;
    let watched = fake.script().watches.last().unwrap().keys.clone();
    assert_eq!(watched.iter().map(|key| key.user_id.as_str()).collect::<Vec<_>>(), ["bob"]);
    let asked = fake.script().gets.iter().filter(|get| get.user_id == "ada").count();
    pass(1000).await;
    assert_eq!(fake.script().gets.iter().filter(|get| get.user_id == "ada").count(), asked);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_once_the_last_clone_is_dropped() {
    let (client, fake) = client();
    let another = client.clone();
    another.token(&key("ada")).await.unwrap();
    pass(2).await;
    drop(client);
    pass(1).await;
    assert!(fake.is_watched());
    drop(another);
    pass(1).await;
    assert!(!fake.is_watched());
    let asked = fake.script().gets.len();
    pass(LIFE.as_secs()).await;
    assert_eq!(fake.script().gets.len(), asked);
}

#[tokio::test(start_paused = true)]
async fn a_token_is_told_whole_but_not_in_debug() {
    let (client, _fake) = client();
    let token = client.token(&key("ada")).await.unwrap();
    assert_eq!(token.headers().collect::<Vec<_>>(), [("authorization", "Bearer secret-ada-1")]);
    assert_eq!((token.access_token(), token.api_base_url()), ("secret-ada-1", "https://api.example"));
    let mut headers = http::HeaderMap::new();
    token.put_on(&mut headers);
    assert_eq!(headers["authorization"], "Bearer secret-ada-1");
    let shown = format!("{token:?} {client:?} {headers:?}");
    assert!(shown.contains("generation: 1") && !shown.contains("secret-ada"), "{shown}");
}
