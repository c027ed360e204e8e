//! The authorization server: answers every live token with the next pair, after its latency.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use provider_sim::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::ledger::{Ledger, Token};

/// As long as a signed access token with some claims.
const ACCESS_TOKEN: usize = 1000;

/// A grant is due again as soon as it has its new tokens.
const EXPIRES_IN: u32 = 1;

/// A running authorization server. Ends when it is dropped.
pub(crate) struct Stub {
    pub(crate) url: String,
    pub(crate) ledger: Arc<Ledger>,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Site {
    ledger: Arc<Ledger>,
    latency: Duration,
    clock: Clock,
}

impl Stub {
    pub(crate) async fn start(grants: usize, latency: Duration, clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (ledger, stop) = (Arc::new(Ledger::new(grants)), CancellationToken::new());
        let site = Site { ledger: ledger.clone(), latency, clock };
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, site, stop.clone(), tasks.clone()));
        Ok(Self { url, ledger, stop })
    }
}

impl Drop for Stub {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

async fn accept(listener: TcpListener, site: Site, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            // One that was given up before it was accepted is no loss.
            accepted = listener.accept() => if let Ok((stream, _)) = accepted {
                tasks.spawn(serve(stream, site.clone()));
            }
        }
    }
}

async fn serve(stream: TcpStream, site: Site) {
    // A socket that refuses the option is only slower.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| site.answer(request));
    // Whoever hangs up has stopped, or complains himself.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

impl Site {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
        let Ok(body) = request.into_body().collect().await else { return Ok(refusal("invalid_request")) };
        let body = body.to_bytes();
        let field = |name| url::form_urlencoded::parse(&body).find(|(key, _)| key == name);
        if let Some((_, code)) = field("code") {
            return Ok(self.ledger.exchange(&code).map_or_else(|| refusal("invalid_grant"), tokens));
        }
        let Some((_, presented)) = field("refresh_token") else { return Ok(refusal("invalid_request")) };
        let Some(next) = self.ledger.rotate(&presented) else { return Ok(refusal("invalid_grant")) };
        let _in_flight = self.ledger.hold();
        tokio::time::sleep(self.latency).await;
        self.ledger.answering(next, self.clock.micros());
        Ok(tokens(next))
    }
}

fn tokens(token: Token) -> Response<Full<Bytes>> {
    let text = token.text();
    let access = format!("{text:x<ACCESS_TOKEN$}");
    let body = format!(
        r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{EXPIRES_IN},"refresh_token":"{text}"}}"#
    );
    json(StatusCode::OK, body)
}

fn refusal(error: &str) -> Response<Full<Bytes>> {
    json(StatusCode::BAD_REQUEST, format!(r#"{{"error":"{error}"}}"#))
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = status;
    let json = hyper::header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, json);
    response
}
