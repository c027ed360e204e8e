//! The small HTTP listener beside gRPC: probes.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio_util::sync::CancellationToken;

/// `/livez` answers while the process runs; `/readyz` until it drains.
pub(crate) fn router(draining: CancellationToken) -> Router {
    Router::new().route("/livez", get(|| async { "ok\n" })).route("/readyz", get(ready)).with_state(draining)
}

async fn ready(State(draining): State<CancellationToken>) -> (StatusCode, &'static str) {
    match draining.is_cancelled() {
        false => (StatusCode::OK, "ready\n"),
        true => (StatusCode::SERVICE_UNAVAILABLE, "draining\n"),
    }
}
