//! Connections: accepting, reading requests, writing replies, closing without one.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};

use super::body::{ReplyBody, response};
use super::control;
use super::exchange::{Delivery, Handled};
use super::postmark::{Postmark, Stamped};
use super::site::Site;
use crate::message::{Reply, Request};

const BODY_LIMIT: usize = 64 * 1024;
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer, as requested")]
struct CloseUnanswered;

pub(super) async fn accept(site: Arc<Site>, listener: TcpListener) {
    loop {
        tokio::select! {
            () = site.stop.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(site.tasks.spawn(serve(Arc::clone(&site), stream))),
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
}

async fn serve(site: Arc<Site>, stream: TcpStream) {
    // A socket that refuses the option is only slower.
    let _ = stream.set_nodelay(true);
    let postmark = Postmark::new(Arc::clone(&site));
    let service = service_fn(|request| respond(Arc::clone(&site), postmark.clone(), request));
    let socket = TokioIo::new(Stamped::new(stream, postmark.clone()));
    let mut builder = http1::Builder::new();
    let connection = builder.timer(TokioTimer::new()).serve_connection(socket, service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = site.stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            tokio::time::timeout(LAST_WORDS, connection).await.unwrap_or(Ok(()))
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended");
    }
}

async fn respond(
    site: Arc<Site>,
    postmark: Postmark,
    request: hyper::Request<Incoming>,
) -> Result<Response<ReplyBody>, CloseUnanswered> {
    let Some(request) = read(request).await else {
        return Ok(whole(Reply::empty(StatusCode::PAYLOAD_TOO_LARGE)));
    };
    if control::is_for(&request) {
        return Ok(whole(control::answer(&site, &request)));
    }
    let Handled { seq, delivery } = site.handle(request).await;
    match delivery {
        Delivery::Whole(reply) => Ok(whole(reply).map(|body| body.telling(postmark, seq))),
        Delivery::Cut(reply) => {
            let body = ReplyBody::cut(&reply.body);
            Ok(response(reply, body))
        }
        Delivery::Close => Err(CloseUnanswered),
    }
}

async fn read(request: hyper::Request<Incoming>) -> Option<Request> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_LIMIT).collect().await.ok()?.to_bytes();
    Some(Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    })
}

fn whole(mut reply: Reply) -> Response<ReplyBody> {
    let body: Bytes = std::mem::take(&mut reply.body);
    response(reply, ReplyBody::whole(body))
}
