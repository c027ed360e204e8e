//! Several replicas, some of which are not there.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use broker_proto::client::{Options, Replicas, SystemClock, TokenClient, TokenError};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tonic::Code;
use tonic::transport::server::TcpIncoming;
use tonic::transport::{Endpoint, Server};

use crate::fake::Fake;
use crate::key;

/// A replica that listens.
struct Replica {
    fake: Fake,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinSet<()>,
}

impl Replica {
    async fn start() -> Self {
        let fake = Fake::new(Arc::new(SystemClock));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = Server::builder()
            .add_service(fake.service())
            .serve_with_incoming_shutdown(TcpIncoming::from(listener), async { drop(stopped.await) });
        let mut serving = JoinSet::new();
        serving.spawn(async { server.await.unwrap() });
        Self { fake, address, stop, serving }
    }

    /// In order: connections are told to close.
    async fn end(self) {
        self.stop.send(()).unwrap();
        self.serving.join_all().await;
    }

    fn endpoint(&self) -> Endpoint {
        Endpoint::from_shared(format!("http://{}", self.address)).unwrap()
    }

    fn asked(&self) -> usize {
        self.fake.script().gets.len()
    }
}

/// Asks for the first token of a service that has just started.
async fn first_token(replicas: &Replicas) -> Result<u64, TokenError> {
    let client = TokenClient::new(replicas.clone(), Options::default());
    Ok(client.token(&key("ada")).await?.generation())
}

#[tokio::test]
async fn calls_go_to_all_of_them() {
    let (one, other) = (Replica::start().await, Replica::start().await);
    let replicas = Replicas::of([one.endpoint(), other.endpoint()]);
    for _ in 0..6 {
        first_token(&replicas).await.unwrap();
    }
    assert_eq!((one.asked(), other.asked()), (3, 3));
}

#[tokio::test]
async fn one_that_ends_is_not_missed() {
    let (one, other) = (Replica::start().await, Replica::start().await);
    let replicas = Replicas::of([one.endpoint(), other.endpoint()]);
    first_token(&replicas).await.unwrap();
    one.end().await;
    for _ in 0..6 {
        assert_eq!(first_token(&replicas).await.unwrap(), 1);
    }
    assert_eq!(other.asked(), 6);
}

#[tokio::test]
async fn where_all_are_gone_it_is_said_soon() {
    let only = Replica::start().await;
    let replicas = Replicas::of([only.endpoint()]);
    first_token(&replicas).await.unwrap();
    only.end().await;
    let asking = tokio::time::timeout(Duration::from_secs(10), first_token(&replicas));
    let error = asking.await.expect("it is said").unwrap_err();
    assert_eq!(error.broker().unwrap().code(), Code::Unavailable);
}

#[tokio::test]
async fn a_host_name_stands_for_all_its_addresses() {
    // `localhost` may stand for `::1`, too, where nobody listens.
    let replica = Replica::start().await;
    let replicas =
        Replicas::of_host("localhost", replica.address.port(), Duration::from_secs(60), |address| {
            Endpoint::from_shared(format!("http://{address}"))
        });
    for _ in 0..4 {
        first_token(&replicas).await.unwrap();
    }
    assert_eq!(replica.asked(), 4);
}

#[tokio::test]
async fn one_that_is_slow_is_not_asked_again_at_once_and_not_left_out() {
    let (one, other) = (Replica::start().await, Replica::start().await);
    let impatient = |replica: &Replica| replica.endpoint().timeout(Duration::from_millis(500));
    let replicas = Replicas::of([impatient(&one), impatient(&other)]);
    one.fake.script().is_stuck = true;
    let error = first_token(&replicas).await.unwrap_err();
    assert_eq!(error.broker().unwrap().code(), Code::Cancelled);
    assert_eq!((one.asked(), other.asked()), (1, 0));

    one.fake.script().is_stuck = false;
    for _ in 0..2 {
        first_token(&replicas).await.unwrap();
    }
    assert_eq!((one.asked(), other.asked()), (2, 1));
}
