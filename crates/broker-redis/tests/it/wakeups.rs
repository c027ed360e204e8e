//! News reaches other replicas, and what may have been missed is said to have been.

use std::time::Duration;

use broker_core::ports::{Heard, News, Wakeup, Wakeups};

use crate::server::RedisServer;
use crate::world::{Replica, adopted, grant, heard, news, redis};

#[tokio::test]
async fn news_reaches_every_replica_once() {
    let server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let (mut here, mut there) = (one.redis.subscribe(), other.redis.subscribe());
    let sent = Wakeup { news: News::Sent, ..adopted(1) };
    one.redis.announce(sent);
    one.redis.announce(adopted(2));
    assert_eq!(news(&mut there).await, sent);
    assert_eq!(news(&mut there).await, adopted(2));
    // Had the announcer heard its own news twice, it would hear it before this.
    other.redis.announce(adopted(3));
    assert_eq!(news(&mut here).await, sent);
    assert_eq!(news(&mut here).await, adopted(2));
    assert_eq!(news(&mut here).await, adopted(3));
}

#[tokio::test]
async fn subscribers_of_the_same_process_hear_it_without_redis() {
    let replica = Replica::on(RedisServer::not_started().url());
    let mut stream = replica.redis.subscribe();
    replica.redis.announce(adopted(1));
    assert_eq!(news(&mut stream).await, adopted(1));
    replica.until(|| replica.health().snapshot().wakeups_lost == 1).await;
}

#[tokio::test]
async fn a_restart_is_a_gap_and_news_comes_again_after_it() {
    let mut server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let (mut here, mut there) = (one.redis.subscribe(), other.redis.subscribe());
    server.kill().await;
    for stream in [&mut here, &mut there] {
        assert_eq!(heard(stream).await, Heard::Gap, "at once, when the subscription is lost");
    }
    assert_eq!(other.health().snapshot().wakeup_gaps, 1);
    server.restart().await;
    one.until_healthy().await;
    other.until_healthy().await;
    assert_eq!(heard(&mut there).await, Heard::Gap, "and when it stands again");
    one.redis.announce(adopted(9));
    assert_eq!(news(&mut there).await, adopted(9));
}

#[tokio::test]
async fn a_replica_whose_subscription_was_lost_gives_leases_at_once_when_redis_is_back() {
    let mut server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    let mut stream = replica.redis.subscribe();
    server.restart().await;
    assert_eq!(heard(&mut stream).await, Heard::Gap);
    assert_eq!(replica.asks(grant(1)).await, Ok(true));
    assert_eq!(replica.health().snapshot().lease_errors, 0);
}

#[tokio::test]
async fn while_nothing_can_be_heard_waiters_are_told_to_look_again_and_again() {
    let mut server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    let mut stream = replica.redis.subscribe();
    server.kill().await;
    for _ in 0..5 {
        assert_eq!(heard(&mut stream).await, Heard::Gap);
        replica.clock.advance(Duration::from_secs(1));
    }
    assert_eq!(replica.health().snapshot().wakeup_gaps, 1, "it is one gap all the same");
}

#[tokio::test]
async fn a_subscription_that_went_silent_is_noticed() {
    let server = RedisServer::start().await;
    let replica = Replica::ready(server.url()).await;
    server.pause().await;
    replica.until(|| replica.health().snapshot().wakeup_gaps == 1).await;
    server.resume().await;
    replica.until_healthy().await;
}

#[tokio::test]
async fn what_is_announced_before_closing_is_published() {
    let server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let mut there = other.redis.subscribe();
    (0..200).for_each(|generation| one.redis.announce(adopted(generation)));
    one.redis.close().await;
    for generation in 0..200 {
        assert_eq!(news(&mut there).await, adopted(generation));
    }
}

#[tokio::test]
async fn a_message_of_unknown_form_is_not_heard() {
    let server = RedisServer::start().await;
    let (one, other) = (Replica::ready(server.url()).await, Replica::ready(server.url()).await);
    let mut there = other.redis.subscribe();
    let mut publish = redis::cmd("PUBLISH");
    publish.arg("tokenbroker:v1:{wakeups}").arg(b"\xff\x00 sent");
    publish.exec_async(&mut redis(&server.url()).await).await.unwrap();
    one.redis.announce(adopted(4));
    assert_eq!(heard(&mut there).await, Heard::News(adopted(4)));
}
