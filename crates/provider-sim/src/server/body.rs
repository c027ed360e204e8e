//! Response bodies: whole, or cut off in the middle.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};

use super::postmark::Postmark;
use crate::message::Reply;

/// The body of an answer.
pub(super) struct ReplyBody {
    announced: u64,
    data: Option<Bytes>,
    ending: Ending,
    /// Who is told once all of it is encoded.
    told: Option<(Postmark, u64)>,
}

enum Ending {
    Clean,
    /// Let the connection send what it has, then fail.
    Flush,
    Fail,
}

impl ReplyBody {
    pub(super) const fn whole(data: Bytes) -> Self {
        Self { announced: data.len() as u64, data: Some(data), ending: Ending::Clean, told: None }
    }

    /// The same body; the postmark learns when the answer to this entry of the journal is encoded whole.
    pub(super) fn telling(mut self, postmark: Postmark, seq: u64) -> Self {
        self.told = Some((postmark, seq));
        self
    }

    /// Announces all of the data and sends half of it. The connection is closed then.
    pub(super) fn cut(data: &Bytes) -> Self {
        let half = data.slice(..data.len() / 2);
        Self { announced: data.len().max(1) as u64, data: Some(half), ending: Ending::Flush, told: None }
    }

    fn is_used_up(&self) -> bool {
        matches!(self.ending, Ending::Clean) && self.data.as_ref().is_none_or(Bytes::is_empty)
    }
}

impl Drop for ReplyBody {
    /// hyper lets go of a body as soon as the answer is encoded. An empty one it never asks for anything.
    fn drop(&mut self) {
        if self.is_used_up()
            && let Some((postmark, seq)) = self.told.take()
        {
            postmark.encoded(seq);
        }
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
        self.is_used_up()
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
