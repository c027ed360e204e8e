//! The layer that ends calls which take too long: with an answer, which the layers around it tell of like any other.
//!
//! The server below us drops such a call, and to whoever tells of it that looks like a caller who has gone. It looks at the
//! answer first, and this timer is begun before its own.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::{Request, Response};
use tonic::Status;
use tonic::body::Body;
use tower::{Layer, Service};

use super::deadline;

/// Wraps services. A call may take this long, or as long as its caller waits, if that is shorter.
#[derive(Clone)]
pub(crate) struct TimelyLayer(pub(crate) Duration);

impl<S> Layer<S> for TimelyLayer {
    type Service = Timely<S>;

    fn layer(&self, inner: S) -> Timely<S> {
        Timely { inner, longest: self.0 }
    }
}

/// A service that answers DEADLINE_EXCEEDED in time. What it began goes on where it was spawned.
#[derive(Clone)]
pub(crate) struct Timely<S> {
    inner: S,
    longest: Duration,
}

type Answering<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

impl<S> Service<Request<Body>> for Timely<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
    S::Future: Send + 'static,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answering<S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let named = deadline::of(request.headers());
        let span = named.map_or(self.longest, |named| named.min(self.longest));
        // Begun here, not when it is first asked.
        let answer = tokio::time::timeout(span, self.inner.call(request));
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

    use super::*;

    #[derive(Clone)]
    struct Never;

    impl Service<Request<Body>> for Never {
        type Response = Response<Body>;
        type Error = Infallible;
        type Future = Answering<Infallible>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
            Poll::Ready(Ok(()))
        }

        fn call(&mut self, _: Request<Body>) -> Self::Future {
            Box::pin(pending())
        }
    }

    async fn answered_after(timeout: Option<&str>) -> Duration {
        let mut request = Request::new(Body::empty());
        if let Some(timeout) = timeout {
            request.headers_mut().insert("grpc-timeout", timeout.parse().unwrap());
        }
        let began = tokio::time::Instant::now();
        let answer = TimelyLayer(Duration::from_secs(60)).layer(Never).call(request).await.unwrap();
        assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::DeadlineExceeded);
        began.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn the_shorter_of_the_callers_time_and_ours_counts() {
        let rounded = async |timeout| answered_after(timeout).await.as_secs();
        assert_eq!(rounded(Some("2S")).await, 2);
        assert_eq!((rounded(None).await, rounded(Some("9M")).await, rounded(Some("x")).await), (60, 60, 60));
    }
}
