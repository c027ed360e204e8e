//! The layer that ends calls which take too long: with an answer, which the layers around it tell of like any other.
//!
//! The server below us drops such a call, and to whoever tells of it that looks like a caller who has gone. It looks at the
//! answer first, and this timer is begun before its own.

use std::time::Duration;

use axum::http::Request;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use super::deadline;
use crate::around::{Answering, Around, Begun, Inner};

/// Answers DEADLINE_EXCEEDED in time. A call may take this long, or as long as its caller waits, if that is shorter. What it
/// began goes on where it was spawned.
#[derive(Clone)]
pub(crate) struct Timely(pub(crate) Duration);

impl Around for Timely {
    fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        let named = deadline::of(request.headers());
        let span = named.map_or(self.0, |named| named.min(self.0));
        // Not when it is first asked: the server below counts from the headers, and drops what is late.
        let begun = request.extensions().get::<Begun>().map_or_else(Instant::now, |begun| begun.0);
        let answer = tokio::time::timeout_at(begun + span, inner.call(request));
        Box::pin(async move { answer.await.unwrap_or_else(|_| Ok(too_late().into_http())) })
    }
}

fn too_late() -> Status {
    Status::deadline_exceeded(
        "the call took longer than its deadline; ask again, with a longer one if that is short",
    )
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;

    use tonic::Code;
    use tower::{Layer as _, Service as _, service_fn};

    use super::*;
    use crate::around::AroundLayer;

    async fn answered_after(timeout: Option<&str>) -> Duration {
        let mut request = Request::new(Body::empty());
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        let began = tokio::time::Instant::now();
        let mut never = service_fn(|_| pending::<Result<_, Infallible>>());
        let answer = Timely(Duration::from_secs(60)).call(request, &mut never).await.unwrap();
        assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::DeadlineExceeded);
        began.elapsed()
    }

    /// As the server below does: it drops what takes too long, and tells nobody.
    #[derive(Clone)]
    struct Impatient(Duration);

    impl Around for Impatient {
        fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
            let (answer, span) = (inner.call(request), self.0);
            Box::pin(async move {
                tokio::time::timeout(span, answer).await.expect("the call is dropped without an answer")
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_told_before_the_server_loses_its_patience() {
        let slow = service_fn(|_| pending::<Result<_, Infallible>>());
        let span = Duration::from_secs(1);
        let (impatient, timely) = (AroundLayer(Impatient(span)), AroundLayer(Timely(span)));
        let mut served = impatient.layer(timely.layer(slow));
        let answer = served.call(Request::new(Body::empty())).await.unwrap();
        assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::DeadlineExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_of_the_callers_time_and_ours_counts() {
        let rounded = async |timeout| answered_after(timeout).await.as_secs();
        assert_eq!(rounded(Some("2S")).await, 2);
        assert_eq!((rounded(None).await, rounded(Some("9M")).await, rounded(Some("x")).await), (60, 60, 60));
    }
}
