//! The layer next to the services: a call that panics fails, and no other does.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::http::{Request, Response};
use tonic::body::Body;
use tower::{Layer, Service};

use super::status::panicked;
use crate::panics::contained;

/// What panics in calls are counted as.
const TASK: &str = "rpc";

/// Wraps services.
#[derive(Clone)]
pub(crate) struct ContainLayer;

impl<S> Layer<S> for ContainLayer {
    type Service = Contained<S>;

    fn layer(&self, inner: S) -> Contained<S> {
        Contained(inner)
    }
}

/// A service that answers INTERNAL where it would panic.
#[derive(Clone)]
pub(crate) struct Contained<S>(S);

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Contained<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let answer = self.0.call(request);
        Box::pin(async move {
            match contained(TASK, answer).await {
                Ok(answer) => answer,
                Err(_panicked) => Ok(panicked().into_http()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use broker_proto::error::BrokerError;
    use broker_proto::v1::Reason;
    use tonic::{Code, Status};

    use super::*;

    /// Panics at `/panic`, answers elsewhere.
    #[derive(Clone)]
    struct Fragile;

    impl Service<Request<Body>> for Fragile {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Answering<Infallible>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, request: Request<Body>) -> Self::Future {
            Box::pin(async move {
                assert_ne!(request.uri().path(), "/panic", "a secret");
                Ok(Response::new(Body::empty()))
            })
        }
    }

    #[tokio::test]
    async fn a_call_that_panics_is_answered_with_internal_and_nothing_of_what_was_said() {
        let mut service = ContainLayer.layer(Fragile);
        let request = |path: &str| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = path.parse().unwrap();
            request
        };
        let failed = service.call(request("/panic")).await.unwrap();
        let status = Status::from_header_map(failed.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("a secret"));
        assert_eq!(BrokerError::from_status(&status).reason(), Some(Reason::Internal));
        let well = service.call(request("/well")).await.unwrap();
        assert!(Status::from_header_map(well.headers()).is_none());
    }
}
