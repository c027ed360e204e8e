//! Response bodies: whole, or cut off in the middle.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use crate::message::Reply;

/// The body of an answer.
pub(super) struct ReplyBody {
    announced: u64,
    data: Option<Bytes>,
    ending: Ending,
}

enum Ending {
    Clean,
    /// Let the connection send what it has, then fail.
    Flush,
    Fail,
}

impl ReplyBody {
    pub(super) const fn whole(data: Bytes) -> Self {
        Self { announced: data.len() as u64, data: Some(data), ending: Ending::Clean }
    }

    /// Announces all of the data and sends half of it. The connection is closed then.
    pub(super) fn cut(data: &Bytes) -> Self {
        let half = data.slice(..data.len() / 2);
        Self { announced: data.len().max(1) as u64, data: Some(half), ending: Ending::Flush }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(data) = self.data.take().filter(|data| !data.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(data))));
        }
        match self.ending {
            Ending::Clean => Poll::Ready(None),
            Ending::Flush => {
                self.ending = Ending::Fail;
                context.waker().wake_by_ref();
                Poll::Pending
            }
            Ending::Fail => Poll::Ready(Some(Err(io::Error::other("cut off on request")))),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.ending, Ending::Clean) && self.data.as_ref().is_none_or(Bytes::is_empty)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.announced)
    }
}

/// The HTTP response of a reply with this body.
pub(super) fn response(reply: Reply, body: ReplyBody) -> hyper::Response<ReplyBody> {
    let mut response = hyper::Response::new(body);
    *response.status_mut() = reply.status;
    response.headers_mut().extend(reply.headers);
    response
}
