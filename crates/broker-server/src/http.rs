//! The small HTTP listener beside gRPC: probes and metrics.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;

use crate::condition::Conditions;
use crate::metrics;

/// The OpenMetrics text format, which Prometheus reads too.
const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the handlers look at.
#[derive(Clone)]
pub(crate) struct Probed {
    pub(crate) draining: CancellationToken,
    pub(crate) conditions: Conditions,
}

/// `/livez` answers while the process runs; `/readyz` until it drains, and says what does not work; `/metrics`.
pub(crate) fn router(probed: Probed) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(measured))
        .with_state(probed)
}

/// A replica that lacks a backend still serves what it can: it is ready, and tells.
async fn ready(State(probed): State<Probed>) -> (StatusCode, String) {
    match probed.draining.is_cancelled() {
        false => (StatusCode::OK, format!("ready\n{}", probed.conditions.now().lines())),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned()),
    }
}

async fn measured(State(probed): State<Probed>) -> Response {
    match metrics::page(&probed.conditions) {
        Ok(text) => ([(CONTENT_TYPE, METRICS_TYPE)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
