//! Who watches at one replica is told of what another one did, with Redis and without it.

use std::ops::Range;
use std::time::{Duration, Instant};

use broker_e2e::client::read;
use broker_e2e::fleet::Plan;
use broker_e2e::{Client, Fleet, LONGEST_WAIT, Site, ask};
use broker_proto::error::BrokerError;
use broker_proto::v1::watch_access_tokens_response::Update;
use broker_proto::v1::{
    GrantKey, GrantState, InvalidationCause, Reason, RevokeGrantRequest, WatchAccessTokensResponse,
};
use tonic::{Code, Status, Streaming};

use crate::BINARY;

/// The machine is shared: what takes milliseconds must only not take as long as a heartbeat.
const SOON: Duration = Duration::from_secs(1);
/// The store is asked each second, and Redis is missed first.
const WITHOUT_REDIS: Duration = Duration::from_secs(4);

type Stream = Streaming<WatchAccessTokensResponse>;

async fn next(stream: &mut Stream) -> Result<Update, Status> {
    let next = tokio::time::timeout(LONGEST_WAIT, stream.message()).await.expect("nothing is told");
    Ok(next?.expect("a stream ends with a status").update.unwrap())
}

async fn next_generation(stream: &mut Stream) -> u64 {
    match next(stream).await.unwrap() {
        Update::Token(token) => token.generation,
        other => panic!("no token: {other:?}"),
    }
}

async fn revoke(client: &Client, key: &GrantKey) {
    read(client.consents().revoke_grant(RevokeGrantRequest { key: Some(key.clone()) }).await).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_one_replica_does_is_told_by_the_other() {
    let mut fleet = Fleet::plan(BINARY).replicas(2).start().await;
    let keys = fleet.consents(Site::Strict, 0..2).await;
    let mut stream = fleet.client(1).watch(&keys[..1]).await.unwrap();
    assert_eq!(next_generation(&mut stream).await, 1);

    fleet.client(0).refresh(&keys[0]).await.unwrap();
    let adopted = Instant::now();
    assert_eq!(next_generation(&mut stream).await, 2);
    assert!(adopted.elapsed() < SOON, "{:?}", adopted.elapsed());

    fleet.redis.kill().await;
    fleet.client(0).refresh(&keys[0]).await.unwrap();
    let adopted = Instant::now();
    assert_eq!(next_generation(&mut stream).await, 3);
    assert!(adopted.elapsed() < WITHOUT_REDIS, "{:?}", adopted.elapsed());
    fleet.redis.start_again().await;

    ends_with_its_replica(&mut fleet, &keys[1], &mut stream).await;
    fleet.close().await;
}

async fn ends_with_its_replica(fleet: &mut Fleet, key: &GrantKey, stream: &mut Stream) {
    let ending = async {
        loop {
            if let Err(status) = next(stream).await {
                return status;
            }
        }
    };
    let (_, status) = tokio::join!(fleet.take(1).stop(), ending);
    let error = BrokerError::from_status(&status);
    assert_eq!((error.code(), error.reason()), (Code::Unavailable, Some(Reason::BackendUnavailable)));
    assert!(error.retry_delay().is_some());
    fleet.restart(1).await;
    let mut stream = fleet.client(1).watch(std::slice::from_ref(key)).await.unwrap();
    assert_eq!(next_generation(&mut stream).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_at_one_replica_is_told_by_every_one_within_a_second() {
    let fleet = Fleet::plan(BINARY).replicas(3).start().await;
    let keys = fleet.consents(Site::Strict, 0..1).await;
    let mut streams = Vec::new();
    for client in fleet.clients() {
        let mut stream = client.watch(&keys).await.unwrap();
        assert_eq!(next_generation(&mut stream).await, 1);
        streams.push(stream);
    }
    revoke(fleet.client(0), &keys[0]).await;
    let revoked = Instant::now();
    for stream in &mut streams {
        let Update::Invalidation(invalidation) = next(stream).await.unwrap() else {
            panic!("no invalidation")
        };
        assert_eq!((invalidation.cause(), invalidation.generation), (InvalidationCause::Revoked, 1));
        let Update::State(state) = next(stream).await.unwrap() else { panic!("no state") };
        assert!(matches!(state.state(), GrantState::Revoking | GrantState::Revoked));
    }
    for client in fleet.clients() {
        let refused = client.token(ask(&keys[0])).await.unwrap_err();
        assert_eq!(refused.reason(), Some(Reason::ConsentRequired));
    }
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    drop(streams);
    fleet.close().await;
}

/// Nobody watches, so that nothing but what replicas do by themselves tells them. These vend.
async fn is_obeyed_within_a_second(plan: Plan, vending: Range<usize>) {
    let fleet = plan.start().await;
    let keys = fleet.consents(Site::Strict, 0..1).await;
    for client in &fleet.clients()[vending.clone()] {
        client.token(ask(&keys[0])).await.unwrap();
    }
    revoke(fleet.client(0), &keys[0]).await;
    let revoked = Instant::now();
    for client in &fleet.clients()[vending] {
        let refused = async {
            loop {
                match client.token(ask(&keys[0])).await {
                    Ok(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                    Err(refused) => return refused.reason(),
                }
            }
        };
        let refused = tokio::time::timeout(LONGEST_WAIT, refused).await.expect("it is served for ever");
        assert_eq!(refused, Some(Reason::ConsentRequired));
    }
    assert!(revoked.elapsed() < SOON, "{:?}", revoked.elapsed());
    fleet.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_revocation_is_obeyed_by_every_replica_within_a_second() {
    is_obeyed_within_a_second(Fleet::plan(BINARY).replicas(3), 0..3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_it_is_without_redis() {
    is_obeyed_within_a_second(Fleet::plan(BINARY).replicas(3).without_redis(), 0..3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn so_it_is_where_an_api_process_vends() {
    let roles = Fleet::plan(BINARY).roles(&["rotator", "api"]);
    is_obeyed_within_a_second(roles.without_redis(), 1..2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_key_without_a_grant_is_the_answer_to_the_call() {
    let fleet = Fleet::plan(BINARY).replicas(1).start().await;
    let refused = fleet.client(0).watch(&fleet.keys(Site::Strict, 0..1)).await.unwrap_err();
    assert_eq!((refused.code(), refused.reason()), (Code::NotFound, Some(Reason::GrantNotFound)));
    fleet.close().await;
}
