//! The authorization server: answers every live token with the next pair, after its latency.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
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

use super::ledger::{Ledger, Token};

/// As long as a signed access token with some claims.
const ACCESS_TOKEN: usize = 1000;

/// A running authorization server. Ends when it is dropped.
pub struct Stub {
    /// The root of its URLs.
    pub url: String,
    /// What it knows.
    pub ledger: Arc<Ledger>,
    expires_in: Arc<AtomicU32>,
    stop: CancellationToken,
}

#[derive(Clone)]
struct Site {
    ledger: Arc<Ledger>,
    latency: Duration,
    expires_in: Arc<AtomicU32>,
    clock: Clock,
}

/// How long the authorization server takes, and how long its tokens live.
#[derive(Clone, Copy)]
pub struct Times {
    /// From a presentation to its answer.
    pub latency: Duration,
    /// `expires_in` of its answers, in seconds.
    pub expires_in: u32,
}

impl Stub {
    /// Listens on a free port. `grants` have the numbers below that.
    pub async fn start(grants: usize, times: Times, clock: Clock) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (ledger, stop) = (Arc::new(Ledger::new(grants)), CancellationToken::new());
        let expires_in = Arc::new(AtomicU32::new(times.expires_in));
        let latency = times.latency;
        let site = Site { ledger: ledger.clone(), latency, expires_in: expires_in.clone(), clock };
        let tasks = TaskTracker::new();
        tasks.spawn(accept(listener, site, stop.clone(), tasks.clone()));
        Ok(Self { url, ledger, expires_in, stop })
    }

    /// `expires_in` of its answers from now on, in seconds.
    pub fn let_expire_in(&self, seconds: u32) {
        self.expires_in.store(seconds, Ordering::Relaxed);
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
            let token = self.ledger.exchange(&code);
            return Ok(token.map_or_else(|| refusal("invalid_grant"), |token| self.tokens(token)));
        }
        let Some((_, presented)) = field("refresh_token") else { return Ok(refusal("invalid_request")) };
        let Some(next) = self.ledger.rotate(&presented) else { return Ok(refusal("invalid_grant")) };
        let _in_flight = self.ledger.hold();
        tokio::time::sleep(self.latency).await;
        self.ledger.answering(next, self.clock.micros());
        Ok(self.tokens(next))
    }

    fn tokens(&self, token: Token) -> Response<Full<Bytes>> {
        let (text, expires_in) = (token.text(), self.expires_in.load(Ordering::Relaxed));
        let access = format!("{text:x<ACCESS_TOKEN$}");
        let body = format!(
            r#"{{"access_token":"{access}","token_type":"Bearer","expires_in":{expires_in},"refresh_token":"{text}"}}"#
        );
        json(StatusCode::OK, body)
    }
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
