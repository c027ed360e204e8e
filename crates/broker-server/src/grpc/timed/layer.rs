//! The layer around every service.

use std::sync::Arc;

use axum::http::Request;
use tonic::body::Body;

use super::RpcTimes;
use super::body::{TimedBody, code};
use super::call::Call;
use crate::around::{Answering, Around, Inner};

/// Times calls.
#[derive(Clone)]
pub(crate) struct Timed(pub(crate) Arc<RpcTimes>);

impl Around for Timed {
    fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        let mut call = Call::begin(self.0.clone(), request.uri().path());
        let answer = inner.call(request);
        Box::pin(async move {
            let response = answer.await?;
            // A call that fails is answered with a status among its headers, and no body.
            if let Some(code) = code(response.headers()) {
                call.end(code);
                return Ok(response);
            }
            Ok(response.map(|inner| Body::new(TimedBody { inner, call })))
        })
    }
}
