//! OTLP over HTTP/1.1, in protobuf.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use prost::Message;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::Kept;

pub(super) async fn serve(listener: TcpListener, kept: Kept) {
    // Dropped with this future, and every connection with it.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let kept = kept.clone();
        let answer = service_fn(move |request| answer(request, kept.clone()));
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), answer));
    }
}

async fn answer(request: Request<Incoming>, kept: Kept) -> Result<Response<Empty<Bytes>>, Infallible> {
    let header = |name| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (path, authorization) = (request.uri().path().to_owned(), header("authorization"));
    let is_protobuf = header("content-type").as_deref() == Some("application/x-protobuf");
    let body = request.into_body().collect().await.unwrap().to_bytes();
    let mut response = Response::new(Empty::new());
    match path.as_str() {
        _ if !is_protobuf => *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "/v1/traces" => kept.traces(Message::decode(body).unwrap(), authorization),
        "/v1/logs" => kept.logs(Message::decode(body).unwrap(), authorization),
        "/v1/metrics" => kept.metrics(Message::decode(body).unwrap(), authorization),
        _ => *response.status_mut() = StatusCode::NOT_FOUND,
    }
    Ok(response)
}
