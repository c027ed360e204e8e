//! What the stream tells.

use std::time::Duration;

use broker_proto::v1::watch_access_tokens_response::Update;
use broker_proto::v1::{GrantState, GrantStateUpdate, InvalidationCause, TokenInvalidation};
use futures_util::future::join_all;
use tonic::Status;

use crate::{LIFE, client, key, pass};

#[tokio::test(start_paused = true)]
async fn a_told_token_replaces_the_held_one() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    fake.rotate("ada");
    fake.tell(&key, Update::Token(fake.token("ada")));
    pass(0).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 2);
    assert_eq!(fake.script().gets.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_of_no_grant_is_not_watched() {
    let (client, fake) = client();
    client.token(&key("machine")).await.unwrap();
    pass(2).await;
    assert!(!fake.is_watched());
    client.token(&key("ada")).await.unwrap();
    pass(2).await;
    assert!(fake.is_watched());
}

#[tokio::test(start_paused = true)]
async fn an_older_token_does_not_replace_a_newer_one() {
    let (client, fake) = client();
    let key = key("ada");
    let old = fake.token("ada");
    fake.rotate("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    fake.tell(&key, Update::Token(old));
    pass(0).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_invalidated_token_is_dropped_and_may_be_told_again() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    let invalidation = TokenInvalidation { generation: 1, cause: InvalidationCause::Rotating.into() };
    fake.tell(&key, Update::Invalidation(invalidation));
    pass(0).await;
    for asked in 2..4 {
        client.token(&key).await.unwrap();
        assert_eq!(fake.script().gets.len(), asked, "what was invalidated is not kept");
    }
    fake.tell(&key, Update::Token(fake.token("ada")));
    pass(0).await;
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
    assert_eq!(fake.script().gets.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_invalidated_under_way_is_asked_for_again() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    let invalidate = |generation| {
        fake.tell(&key, Update::Invalidation(TokenInvalidation { generation, cause: 0 }));
        fake.rotate("ada");
    };
    invalidate(1);
    pass(0).await;
    let overtaking = async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        invalidate(2);
    };
    let (token, ()) = tokio::join!(client.token(&key), overtaking);
    assert_eq!(token.unwrap().generation(), 3);
    assert_eq!(client.token(&key).await.unwrap().generation(), 3);
    assert_eq!(fake.script().gets.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_state_is_kept_beside_the_token() {
    let (client, fake) = client();
    let key = key("ada");
    client.token(&key).await.unwrap();
    pass(2).await;
    let state =
        GrantStateUpdate { state: GrantState::NeedsConsent.into(), generation: 1, ..Default::default() };
    assert_eq!(client.grant_state(&key), None);
    fake.tell(&key, Update::State(state));
    pass(0).await;
    assert_eq!(client.grant_state(&key).unwrap().state(), GrantState::NeedsConsent);
    assert_eq!(client.token(&key).await.unwrap().generation(), 1);
}

#[tokio::test(start_paused = true)]
async fn new_keys_are_collected_into_one_stream() {
    let (client, fake) = client();
    for user in ["ada", "bob", "cleo"] {
        client.token(&key(user)).await.unwrap();
    }
    pass(5).await;
    assert_eq!(fake.script().watches.len(), 1);
    assert_eq!(fake.script().watches[0].keys.len(), 3);
    client.token(&key("dora")).await.unwrap();
    pass(5).await;
    assert_eq!(fake.script().watches.len(), 2);
    assert_eq!(fake.script().watches[1].keys.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_full_stream_stays_as_it_is_and_the_next_one_has_the_keys_used_last() {
    let (client, fake) = client();
    let keys: Vec<_> = (0..1024).map(|number| key(&format!("user{number}"))).collect();
    join_all(keys.iter().map(|key| client.token(key))).await;
    pass(2).await;
    assert_eq!(fake.script().watches.last().unwrap().keys.len(), keys.len());
    let opened = fake.script().watches.len();
    client.token(&key("late")).await.unwrap();
    join_all(keys[1..].iter().map(|key| client.token(key))).await;
    pass(LIFE.as_secs() / 2).await;
    assert_eq!(fake.script().watches.len(), opened);
    let asked: Vec<_> = fake.script().gets[keys.len()..].iter().map(|get| get.user_id.clone()).collect();
    assert_eq!(asked, ["late", "late"], "first by the caller, then when the broker hinted");

    fake.break_stream(Status::unavailable("stopping"));
    pass(2).await;
    let watched = fake.script().watches.last().unwrap().keys.clone();
    let is_watched = |user: &str| watched.iter().any(|key| key.user_id == user);
    assert_eq!((watched.len(), is_watched("late"), is_watched("user0")), (1024, true, false));
}

#[tokio::test(start_paused = true)]
async fn a_broken_stream_is_resumed_with_the_generations_held() {
    let (client, fake) = client();
    let (ada, bob) = (key("ada"), key("bob"));
    client.token(&ada).await.unwrap();
    client.token(&bob).await.unwrap();
    pass(2).await;
    fake.rotate("ada");
    fake.tell(&ada, Update::Token(fake.token("ada")));
    fake.tell(&bob, Update::Invalidation(TokenInvalidation { generation: 1, cause: 0 }));
    pass(0).await;
    fake.break_stream(Status::unavailable("stopping"));
    pass(2).await;
    let script = fake.script();
    assert_eq!(script.watches.len(), 2);
    assert_eq!(script.watches[1].keys.len(), 2);
    let known: Vec<_> = script.watches[1].known_generations.iter().collect();
    assert_eq!(known.len(), 1, "what was invalidated is not known: the broker may tell it again");
    assert_eq!((known[0].key.as_ref().unwrap().user_id.as_str(), known[0].generation), ("ada", 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_stream_finds_out_whose_grant_is_gone() {
    let (client, fake) = client();
    client.token(&key("ada")).await.unwrap();
    fake.script().no_grant_of = Some("ada".to_owned());
    pass(2).await;
    assert!(!fake.is_watched());
    assert!(fake.script().gets.len() > 1, "each key of the refused stream is asked for");
    fake.script().no_grant_of = None;
    pass(60).await;
    assert!(fake.is_watched());
}
