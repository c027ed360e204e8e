//! The layer that lets a call begin once its client has said something.
//!
//! Who opens calls and says nothing makes us hold a few hundred bytes for each, and no more: a thousand of them that go at
//! once would otherwise be told, counted and recorded at once, and calls of others wait for that.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Bytes;
use axum::http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

use crate::around::{Answering, Around, Begun, Inner};

/// Waits for the first bytes of a message, or for word that there is none: all our calls begin with a message of the client.
/// How long that may take is for the server below to say, which counts from the headers; so do the layers inside ([`Begun`]).
#[derive(Clone)]
pub(super) struct Spoken;

impl Around for Spoken {
    fn call<S: Inner>(&self, mut request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        request.extensions_mut().insert(Begun(Instant::now()));
        // The clone takes the place of the one that is ready.
        let next = inner.clone();
        let mut ready = std::mem::replace(inner, next);
        Box::pin(async move {
            let (head, mut rest) = request.into_parts();
            let first = match poll_fn(|cx| Pin::new(&mut rest).poll_frame(cx)).await {
                Some(Ok(first)) => Some(first),
                Some(Err(_)) => return Ok(Status::cancelled("the call was taken back").into_http()),
                None => None,
            };
            ready.call(Request::from_parts(head, Body::new(Resumed { first, rest }))).await
        })
    }
}

/// A body of which the first frame was read.
struct Resumed {
    first: Option<Frame<Bytes>>,
    rest: Body,
}

impl HttpBody for Resumed {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(first))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.first.is_some() { SizeHint::default() } else { self.rest.size_hint() }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::pending;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use axum::body::{Body as AxumBody, to_bytes};
    use axum::http::Response;
    use futures_util::{FutureExt as _, Stream, stream};
    use tonic::Code;
    use tower::{Layer as _, Service as _, service_fn};

    use super::*;
    use crate::around::AroundLayer;
    use crate::grpc::Timely;

    type Said = Result<&'static str, Status>;

    fn request(path: &str, body: impl Stream<Item = Said> + Send + 'static) -> Request<Body> {
        Request::post(path).body(Body::new(AxumBody::from_stream(body))).unwrap()
    }

    /// Counts the calls that begin, and answers what it was sent.
    async fn called(begun: Arc<AtomicUsize>, request: Request<Body>) -> Result<Response<Body>, Infallible> {
        begun.fetch_add(1, Ordering::SeqCst);
        let all = to_bytes(AxumBody::new(request.into_body()), 100).await.unwrap();
        Ok(Response::new(Body::new(AxumBody::from(all))))
    }

    #[tokio::test]
    async fn a_call_begins_with_its_first_message_and_has_all_of_it() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let mut inner = service_fn(move |request| called(count.clone(), request));
        let (say, mut saying) = tokio::sync::mpsc::unbounded_channel::<Said>();
        let body = stream::poll_fn(move |cx| saying.poll_recv(cx));
        let mut answering = Spoken.call(request("/s/m", body), &mut inner);
        assert!((&mut answering).now_or_never().is_none());
        assert_eq!(begun.load(Ordering::SeqCst), 0, "it has said nothing");
        say.send(Ok("good ")).unwrap();
        assert!((&mut answering).now_or_never().is_none());
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        say.send(Ok("day")).unwrap();
        drop(say);
        let answer = answering.await.unwrap();
        assert_eq!(to_bytes(AxumBody::new(answer.into_body()), 100).await.unwrap(), "good day");
    }

    #[tokio::test]
    async fn one_without_a_message_begins_and_one_taken_back_never() {
        let begun = Arc::new(AtomicUsize::new(0));
        let count = begun.clone();
        let mut inner = service_fn(move |request| called(count.clone(), request));
        Spoken.call(request("/s/m", stream::empty()), &mut inner).await.unwrap();
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        let broken = stream::iter([Err(Status::cancelled(""))]);
        let answer = Spoken.call(request("/s/m", broken), &mut inner).await.unwrap();
        assert_eq!(answer.headers()["grpc-status"], "1");
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    /// As the server below does: it counts from the headers, and drops what is late.
    #[derive(Clone)]
    struct Impatient(Duration);

    impl Around for Impatient {
        fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
            let answer = tokio::time::timeout(self.0, inner.call(request));
            Box::pin(async move { answer.await.expect("the call is dropped without an answer") })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_spoke_late_is_ended_in_time_all_the_same() {
        let span = Duration::from_secs(1);
        let slow = service_fn(|_| pending::<Result<_, Infallible>>());
        let timely = AroundLayer(Timely(span)).layer(slow);
        let mut served = AroundLayer(Impatient(span)).layer(AroundLayer(Spoken).layer(timely));
        let late = stream::once(Box::pin(async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            Ok("at last")
        }));
        let answer = served.call(request("/s/m", late)).await.unwrap();
        assert_eq!(Status::from_header_map(answer.headers()).unwrap().code(), Code::DeadlineExceeded);
    }
}
