//! The layer around every service.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::RpcTimes;
use super::body::{TimedBody, code};
use super::call::Call;

/// Wraps services.
#[derive(Clone)]
pub(crate) struct TimedLayer(pub(crate) Arc<RpcTimes>);

impl<S> Layer<S> for TimedLayer {
    type Service = Timed<S>;

    fn layer(&self, inner: S) -> Timed<S> {
        Timed { inner, times: self.0.clone() }
    }
}

/// A service whose calls are timed.
#[derive(Clone)]
pub(crate) struct Timed<S> {
    inner: S,
    times: Arc<RpcTimes>,
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Timed<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let mut call = Call::begin(self.times.clone(), request.uri().path());
        let answer = self.inner.call(request);
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
