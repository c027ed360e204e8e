//! The small HTTP listener beside gRPC: probes, metrics and the callback page. It answers before the broker is ready.

use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use crate::condition::Conditions;
use crate::metrics;

/// The OpenMetrics text format, which Prometheus reads too.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the handlers look at.
#[derive(Clone)]
pub(crate) struct Front {
    opened: Arc<OnceLock<Opened>>,
    draining: CancellationToken,
}

/// What there is once the broker serves.
struct Opened {
    conditions: Conditions,
    pages: Router,
}

/// How far the process is.
enum Stage<'a> {
    Starting,
    Serving(&'a Opened),
    Draining,
}

impl Front {
    /// Answers as one that is ready once [`Self::open`] was called, and until `draining`.
    pub(crate) fn new(draining: CancellationToken) -> Self {
        Self { opened: Arc::default(), draining }
    }

    /// Recovered, and serving. `pages` are for browsers.
    pub(crate) fn open(&self, conditions: Conditions, pages: Router) {
        // It is opened once.
        let _ = self.opened.set(Opened { conditions, pages });
    }

    fn stage(&self) -> Stage<'_> {
        match self.opened.get() {
            _ if self.draining.is_cancelled() => Stage::Draining,
            Some(opened) => Stage::Serving(opened),
            None => Stage::Starting,
        }
    }
}

/// What those ask who run the broker. Browsers ask for anything else.
pub(crate) fn is_probe(path: &str) -> bool {
    ["/livez", "/readyz", "/metrics"].contains(&path)
}

/// `/livez` answers while the process runs; `/readyz` while it serves, and says what does not work; `/metrics`; pages.
pub(crate) fn router(front: Front) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .fallback(page)
        .with_state(front)
}

/// A replica that lacks a backend still serves what it can: it is ready, and tells.
async fn ready(State(front): State<Front>) -> (StatusCode, String) {
    match front.stage() {
        Stage::Serving(opened) => (StatusCode::OK, format!("ready\n{}", opened.conditions.now().lines())),
        Stage::Starting => (StatusCode::SERVICE_UNAVAILABLE, "starting\n".to_owned()),
        Stage::Draining => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
    }
}

/// Another replica answers the browser that comes again.
async fn page(State(front): State<Front>, request: Request) -> Response {
    match front.stage() {
        Stage::Serving(opened) => {
            let answered = opened.pages.clone().call(request).await;
            answered.unwrap_or_else(|never| match never {})
        }
        Stage::Starting | Stage::Draining => {
            let told = "this broker does not serve at present; try again\n";
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")], told).into_response()
        }
    }
}

/// What is counted can be read to the end.
async fn measured(State(front): State<Front>) -> Response {
    let Some(opened) = front.opened.get() else {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting\n").into_response();
    };
    match metrics::page(&opened.conditions) {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
