//! What the layers around the gRPC services have in common.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use tokio::time::Instant;
use tonic::body::Body;
use tower::{Layer, Service};

/// The answer of a service, on its way.
pub(crate) type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

/// What is done around each call of a service.
pub(crate) trait Around: Clone + Send + 'static {
    /// Calls `inner`, which is ready, or answers in its place.
    fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error>;
}

/// When the headers of a call had come, for layers that are asked later.
#[derive(Clone, Copy)]
pub(crate) struct Begun(pub(crate) Instant);

/// A service that something can be done around.
pub(crate) trait Inner:
    Service<Request<Body>, Response = Response<Body>, Future: Send + 'static> + Clone + Send + 'static
{
}

impl<S> Inner for S where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send + 'static> + Clone + Send + 'static
{
}

/// Wraps services.
#[derive(Clone)]
pub(crate) struct AroundLayer<A>(pub(crate) A);

impl<A: Around, S> Layer<S> for AroundLayer<A> {
    type Service = Wrapped<A, S>;

    fn layer(&self, inner: S) -> Wrapped<A, S> {
        Wrapped { around: self.0.clone(), inner }
    }
}

/// A service, and what is done around its calls.
#[derive(Clone)]
pub(crate) struct Wrapped<A, S> {
    around: A,
    inner: S,
}

impl<A: Around, S: Inner> Service<Request<Body>> for Wrapped<A, S> {
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        self.around.call(request, &mut self.inner)
    }
}
