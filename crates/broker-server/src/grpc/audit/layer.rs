//! The layer around every service of the contract, authentication included.

use std::sync::Arc;

use axum::http::{Request, Response};
use broker_core::{Clock, Recorder};
use tonic::Status;
use tonic::body::Body;

use super::{Draft, outcome};
use crate::around::{Answering, Around, Inner};

/// The services that give or change something. What others are asked is no audit's concern.
const RECORDED: [&str; 2] = ["/tokenbroker.v1.", "/envoy.service.auth.v3."];

/// Records failures. Every request has a [`Draft`] among its extensions.
#[derive(Clone)]
pub(crate) struct Audited {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Around for Audited {
    fn call<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        if !RECORDED.iter().any(|service| request.uri().path().starts_with(service)) {
            return Box::pin(inner.call(request));
        }
        let known = request.extensions().get::<Draft>().cloned();
        let draft = known.unwrap_or_else(|| Draft::of(request.uri().path()));
        request.extensions_mut().insert(draft.clone());
        let (answer, audited) = (inner.call(request), self.clone());
        Box::pin(async move {
            let response = answer.await?;
            audited.record(&draft, &response);
            Ok(response)
        })
    }
}

impl Audited {
    /// A call that fails is answered with a status among its headers.
    fn record(&self, draft: &Draft, response: &Response<Body>) {
        let status = Status::from_header_map(response.headers());
        if let Some(outcome) = status.as_ref().and_then(outcome) {
            self.recorder.refused(&draft.record(outcome, self.clock.now()));
        }
    }
}
