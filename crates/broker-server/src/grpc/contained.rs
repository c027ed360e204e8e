//! The layer next to the services: a call that panics fails, and no other does.

use axum::http::Request;
use tonic::body::Body;

use super::status::panicked;
use crate::around::{Answering, Around, Inner};
use crate::panics::contained;

/// What panics in calls are counted as.
const TASK: &str = "rpc";

/// Answers INTERNAL where a service would panic.
#[derive(Clone)]
pub(crate) struct Contained;

impl Around for Contained {
    fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        let answer = inner.call(request);
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

    use axum::http::Response;
    use broker_proto::error::BrokerError;
    use broker_proto::v1::Reason;
    use tonic::{Code, Status};
    use tower::service_fn;

    use super::*;

    #[tokio::test]
    async fn a_call_that_panics_is_answered_with_internal_and_nothing_of_what_was_said() {
        let mut fragile = service_fn(|request: Request<Body>| async move {
            assert_ne!(request.uri().path(), "/panic", "a secret");
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let request = |path: &str| {
            let mut request = Request::new(Body::empty());
            *request.uri_mut() = path.parse().unwrap();
            request
        };
        let failed = Contained.call(request("/panic"), &mut fragile).await.unwrap();
        let status = Status::from_header_map(failed.headers()).unwrap();
        assert_eq!(status.code(), Code::Internal);
        assert!(!format!("{status:?}").contains("a secret"));
        assert_eq!(BrokerError::from_status(&status).reason(), Some(Reason::Internal));
        let well = Contained.call(request("/well"), &mut fragile).await.unwrap();
        assert!(Status::from_header_map(well.headers()).is_none());
    }
}
