//! Noting when an answer has left: its last byte was taken by the kernel.
//!
//! hyper first encodes an answer into a buffer of its own, then writes that to the socket, and flushes the socket
//! once nothing is left in the buffer. So an answer has left at the first flush after its body was used up.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::site::Site;

/// The answers of one connection that are encoded and may not have left yet. Clones share them.
#[derive(Clone)]
pub(super) struct Postmark {
    site: Arc<Site>,
    encoded: Arc<Mutex<Vec<u64>>>,
}

impl Postmark {
    pub(super) fn new(site: Arc<Site>) -> Self {
        Self { site, encoded: Arc::default() }
    }

    /// The whole answer to this entry of the journal lies in the connection's buffer.
    pub(super) fn encoded(&self, seq: u64) {
        self.waiting().push(seq);
    }

    /// The buffer is empty.
    fn flushed(&self) {
        let left = std::mem::take(&mut *self.waiting());
        if !left.is_empty() {
            let now = self.site.clock.micros();
            left.into_iter()
                .for_each(|seq| self.site.journal.update(seq, |entry| entry.answered_micros = Some(now)));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<u64>> {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A socket that tells a postmark when it is flushed.
pub(super) struct Stamped<S> {
    socket: S,
    postmark: Postmark,
}

impl<S> Stamped<S> {
    pub(super) const fn new(socket: S, postmark: Postmark) -> Self {
        Self { socket, postmark }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stamped<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stamped<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.socket).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.socket).poll_flush(context);
        if matches!(flushed, Poll::Ready(Ok(()))) {
            self.postmark.flushed();
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(context)
    }
}
