//! The body of a stream: the call lasts as long as it does.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Bytes;
use http_body::{Frame, SizeHint};
use tonic::body::Body;
use tonic::{Code, Status};

use super::ending::{Ended, Ending};

/// A body that tells its end. Dropped before that, the caller has gone.
pub(super) struct Watched {
    inner: Body,
    ending: Option<Ending>,
}

impl Watched {
    pub(super) fn new(inner: Body, ending: Ending) -> Self {
        Self { inner, ending: Some(ending) }
    }

    fn end(&mut self, ended: &Ended) {
        if let Some(ending) = self.ending.take() {
            ending.with(ended);
        }
    }
}

impl http_body::Body for Watched {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(status) = frame.trailers_ref().and_then(Status::from_header_map) {
                    self.end(&Ended::of(&status));
                }
            }
            Some(Err(status)) => {
                let ended = Ended::of(status);
                self.end(&ended);
            }
            None => self.end(&Ended::with_code(Code::Ok)),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
