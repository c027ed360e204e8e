//! The calls of one connection: whether there was any, and since when there is none.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::Request;
use http_body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::Notify;
use tokio::time::Instant;
use tonic::body::Body;

use crate::around::{Answering, Around, Inner};

/// Shared by what counts and by what looks.
#[derive(Clone)]
pub(super) struct Calls(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    first: Notify,
}

struct State {
    any: bool,
    open: usize,
    /// When the last call began or ended.
    last: Instant,
}

impl Calls {
    pub(super) fn new() -> Self {
        let state = State { any: false, open: 0, last: Instant::now() };
        Self(Arc::new(Shared { state: Mutex::new(state), first: Notify::new() }))
    }

    /// Returns when the first call has begun.
    pub(super) async fn first(&self) {
        let begun = self.0.first.notified();
        tokio::pin!(begun);
        // Before the look: a call right after it is heard.
        begun.as_mut().enable();
        if !self.lock().any {
            begun.await;
        }
    }

    /// Returns when there has been no call for so long.
    pub(super) async fn none_for(&self, span: Duration) {
        loop {
            let (open, last) = {
                let state = self.lock();
                (state.open, state.last)
            };
            let over = if open == 0 { last + span } else { Instant::now() + span };
            if over <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(over).await;
        }
    }

    pub(super) fn begin(&self) -> Open {
        let mut state = self.lock();
        state.open += 1;
        state.last = Instant::now();
        if !std::mem::replace(&mut state.any, true) {
            self.0.first.notify_waiters();
        }
        drop(state);
        Open(self.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that is under way, until this is dropped.
pub(super) struct Open(Calls);

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open -= 1;
        state.last = Instant::now();
    }
}

impl Around for Calls {
    /// Counts a call to the end of its answer.
    fn call<S: Inner>(&self, request: Request<Body>, inner: &mut S) -> Answering<S::Error> {
        let (open, answer) = (self.begin(), inner.call(request));
        Box::pin(async move { Ok(answer.await?.map(|body| Body::new(Answer { body, _open: open }))) })
    }
}

/// The answer of a call that is under way.
struct Answer {
    body: Body,
    _open: Open,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = tonic::Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, tonic::Status>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPAN: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_call_ends_with_its_answer_and_silence_counts_from_there() {
        let calls = Calls::new();
        assert!(tokio::time::timeout(SPAN, calls.first()).await.is_err(), "none has begun");
        let open = calls.begin();
        calls.first().await;
        assert!(tokio::time::timeout(5 * SPAN, calls.none_for(SPAN)).await.is_err(), "one is open");
        let ended = Instant::now();
        drop(open);
        calls.none_for(SPAN).await;
        assert_eq!(ended.elapsed(), SPAN);
        calls.none_for(SPAN).await;
        assert_eq!(ended.elapsed(), SPAN, "that is over already");
    }
}
