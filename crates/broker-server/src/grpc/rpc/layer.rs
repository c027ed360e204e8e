//! The layer around all others: what it tells of a call holds for whatever answers it.

use std::sync::Arc;

use axum::http::{HeaderMap, Request};
use broker_core::Clock;
use broker_core::ports::TraceContext;
use tonic::body::Body;
use tonic::{Code, Status};
use tracing::Instrument as _;

use super::body::Watched;
use super::ending::{Ended, Ending};
use super::method;
use crate::around::{Answering, Around, Inner};
use crate::grpc::Draft;
use crate::trace_headers::TraceHeaders;

/// Tells of calls. Every request has a [`Draft`] among its extensions.
#[derive(Clone)]
pub(crate) struct Told {
    pub(crate) traces: Arc<dyn TraceContext>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Around for Told {
    fn call<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        let Some(method) = method::told(request.uri().path()) else {
            return Box::pin(inner.call(request));
        };
        let draft = Draft::of(method);
        let ending = self.begin(method, draft.clone(), request.headers());
        request.extensions_mut().insert(draft);
        let span = ending.span();
        let answer = span.in_scope(|| inner.call(request));
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

impl Told {
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
