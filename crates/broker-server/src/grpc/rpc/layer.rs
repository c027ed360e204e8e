//! The layer around all others: what it tells of a call holds for whatever answers it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{HeaderMap, Request, Response};
use broker_core::Clock;
use broker_core::ports::TraceContext;
use tonic::body::Body;
use tonic::{Code, Status};
use tower::{Layer, Service};
use tracing::Instrument as _;

use super::body::Watched;
use super::ending::{Ended, Ending};
use super::method;
use crate::grpc::Draft;
use crate::trace_headers::TraceHeaders;

/// Wraps services.
#[derive(Clone)]
pub(crate) struct RpcLayer {
    pub(crate) traces: Arc<dyn TraceContext>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<S> Layer<S> for RpcLayer {
    type Service = Told<S>;

    fn layer(&self, inner: S) -> Told<S> {
        Told { inner, layer: self.clone() }
    }
}

/// A service whose calls are told of. Every request has a [`Draft`] among its extensions.
#[derive(Clone)]
pub(crate) struct Told<S> {
    inner: S,
    layer: RpcLayer,
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Told<S>
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
        let Some(method) = method::told(request.uri().path()) else {
            return Box::pin(self.inner.call(request));
        };
        let draft = Draft::of(method);
        let ending = self.layer.begin(method, draft.clone(), request.headers());
        request.extensions_mut().insert(draft);
        let span = ending.span();
        let answer = span.in_scope(|| self.inner.call(request));
        let answering = async move {
            let response = answer.await?;
            Ok(match Status::from_header_map(response.headers()) {
                Some(status) => {
                    ending.with(&Ended::of(&status));
                    response
                }
                None if method::streams(method) => response.map(|body| Body::new(Watched::new(body, ending))),
                None => {
                    ending.with(&Ended::with_code(Code::Ok));
                    response
                }
            })
        };
        Box::pin(answering.instrument(span))
    }
}

impl RpcLayer {
    fn begin(&self, method: &'static str, draft: Draft, headers: &HeaderMap) -> Ending {
        let caller = TraceHeaders::read(headers);
        let parent = caller.as_ref().map(|caller| caller.parent);
        let ending = Ending::begin(method, draft, parent, self.clock.clone(), self.traces.clone());
        if let Some(TraceHeaders { parent, state }) = &caller {
            self.traces.go_on(&ending.span(), parent, state.as_deref());
        }
        ending
    }
}
