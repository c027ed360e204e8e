//! A service of tower that sends requests to a provider's API.

use std::net::SocketAddr;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower::Service;

/// Sends each request on a connection of its own.
#[derive(Clone)]
pub(super) struct Api(pub(super) SocketAddr);

impl Service<Request<Empty<Bytes>>> for Api {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = BoxFuture<'static, Result<Response<Incoming>, hyper::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), hyper::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Empty<Bytes>>) -> Self::Future {
        send(self.0, request).boxed()
    }
}

async fn send(address: SocketAddr, request: Request<Empty<Bytes>>) -> hyper::Result<Response<Incoming>> {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let answering = sender.send_request(request);
    tokio::select! {
        answer = answering => answer,
        ended = connection => panic!("the API hung up: {ended:?}"),
    }
}
