//! The small HTTP listener: HTTP/1, few connections, short requests.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{CONNECTION, RETRY_AFTER};
use axum::http::{Request, StatusCode};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1::Builder;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

use super::accept::accept;
use super::slots::{Slot, Slots};
use crate::config::LimitsConfig;
use crate::http::is_probe;

/// The head of a request, in bytes: what a browser sends to the callback fits twice.
const LONGEST_HEAD: usize = 32 << 10;

/// How long one connection of the reserve may take to ask.
const RESERVED_FOR: Duration = Duration::from_secs(1);

/// Nobody needs one connection for longer.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 60);

/// Serves HTTP.
pub(crate) struct HttpListener {
    router: Router,
    slots: Arc<Slots>,
    server: Builder,
    request_timeout: Duration,
}

impl HttpListener {
    pub(crate) fn new(router: Router, slots: Arc<Slots>, limits: &LimitsConfig) -> Self {
        let request_timeout = limits.http_request_timeout;
        let router = router.layer(DefaultBodyLimit::max(limits.http_body_bytes)).layer(from_fn(
            move |request: Request<Body>, next: Next| in_time(request_timeout, request, next),
        ));
        let mut server = Builder::new();
        // The time for headers runs from the end of the request before, so it closes idle connections too.
        server.timer(TokioTimer::new()).header_read_timeout(limits.http_header_timeout);
        server.max_buf_size(LONGEST_HEAD);
        Self { router, slots, server, request_timeout }
    }

    /// Accepts connections until `stop`, then lets each finish its request. `tasks` has whoever is served.
    pub(crate) async fn run(self, listener: TcpListener, tasks: TaskTracker, stop: CancellationToken) {
        let served = Arc::new(self);
        let accepting = async {
            loop {
                let (stream, peer) = accept(&listener, "http").await;
                let Some(slot) = served.slots.take_or_reserve(peer) else { continue };
                let (served, stop) = (served.clone(), stop.clone());
                tasks.spawn(async move { served.serve(stream, slot, stop).await });
            }
        };
        stop.run_until_cancelled(accepting).await;
    }

    async fn serve(&self, stream: TcpStream, slot: Slot, stop: CancellationToken) {
        let (router, is_for_all) = (self.router.clone(), matches!(slot, Slot::Usual(_)));
        let service = service_fn(move |request: Request<Incoming>| {
            let mut router = router.clone();
            async move {
                if is_for_all || is_probe(request.uri().path()) {
                    router.call(request).await
                } else {
                    Ok(too_many())
                }
            }
        });
        let server = if is_for_all { self.server.clone() } else { in_reserve(&self.server) };
        let serving = server.serve_connection(TokioIo::new(stream), service);
        tokio::pin!(serving);
        tokio::select! {
            // What a client did to its own connection is nobody else's matter.
            _ = serving.as_mut() => return,
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LONGEST_LIFE) => {}
        }
        serving.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(self.request_timeout, serving).await;
    }
}

/// One request, at once: the room is needed.
fn in_reserve(server: &Builder) -> Builder {
    let mut server = server.clone();
    server.keep_alive(false).header_read_timeout(RESERVED_FOR);
    server
}

fn too_many() -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], "too many connections; try again\n")
        .into_response()
}

/// A request whose body trickles in ends here as well.
async fn in_time(span: Duration, request: Request<Body>, next: Next) -> Response {
    match tokio::time::timeout(span, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let told =
                (StatusCode::REQUEST_TIMEOUT, [(CONNECTION, "close")], "this took too long; try again\n");
            told.into_response()
        }
    }
}
