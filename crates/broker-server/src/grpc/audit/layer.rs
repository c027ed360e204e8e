//! The layer around every service of the contract, authentication included.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use broker_core::{Clock, Recorder};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::{Draft, outcome};

/// The services that give or change something. What others are asked is no audit's concern.
const RECORDED: [&str; 2] = ["/tokenbroker.v1.", "/envoy.service.auth.v3."];

/// Wraps services.
#[derive(Clone)]
pub(crate) struct AuditLayer {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<S> Layer<S> for AuditLayer {
    type Service = Audited<S>;

    fn layer(&self, inner: S) -> Audited<S> {
        Audited { inner, layer: self.clone() }
    }
}

/// A service whose failures are recorded. Every request has a [`Draft`] among its extensions.
#[derive(Clone)]
pub(crate) struct Audited<S> {
    inner: S,
    layer: AuditLayer,
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Audited<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        if !RECORDED.iter().any(|service| request.uri().path().starts_with(service)) {
            return Box::pin(self.inner.call(request));
        }
        let known = request.extensions().get::<Draft>().cloned();
        let draft = known.unwrap_or_else(|| Draft::of(request.uri().path()));
        request.extensions_mut().insert(draft.clone());
        let (answer, layer) = (self.inner.call(request), self.layer.clone());
        Box::pin(async move {
            let response = answer.await?;
            layer.record(&draft, &response);
            Ok(response)
        })
    }
}

impl AuditLayer {
    /// A call that fails is answered with a status among its headers.
    fn record(&self, draft: &Draft, response: &Response<Body>) {
        let status = Status::from_header_map(response.headers());
        if let Some(outcome) = status.as_ref().and_then(outcome) {
            self.recorder.refused(&draft.record(outcome, self.clock.now()));
        }
    }
}
