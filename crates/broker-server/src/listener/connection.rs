//! A connection that can be cut, that tells when it is gone, and that does not keep others waiting.

use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf, Take};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::yield_now;
use tokio_util::sync::{CancellationToken, DropGuard, WaitForCancellationFutureOwned};
use tonic::transport::server::Connected;

/// Bytes that are read before other tasks get a turn. All calls that are in what was read are begun in one go, and those of
/// other connections wait for that.
const TURN: usize = 4096;

/// One connection, with its slot.
pub(super) struct Guarded<C> {
    connection: Take<C>,
    /// In this turn.
    read: usize,
    cut: Pin<Box<WaitForCancellationFutureOwned>>,
    is_cut: bool,
    _gone: DropGuard,
    _slot: OwnedSemaphorePermit,
}

impl<C: AsyncRead> Guarded<C> {
    /// It fails once `cut` is cancelled, and cancels `gone` when it is dropped.
    pub(super) fn new(
        connection: C,
        cut: CancellationToken,
        gone: CancellationToken,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        let cut = Box::pin(cut.cancelled_owned());
        let connection = connection.take(0);
        Self { connection, read: 0, cut, is_cut: false, _gone: gone.drop_guard(), _slot: slot }
    }
}

impl<C> Guarded<C> {
    /// Fails if it is cut, and sees to it that a task that waits here hears of it.
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        self.is_cut = self.is_cut || self.cut.as_mut().poll(cx).is_ready();
        if self.is_cut { Err(io::ErrorKind::ConnectionAborted.into()) } else { Ok(()) }
    }
}

impl<C: AsyncRead + Connected> Connected for Guarded<C> {
    type ConnectInfo = C::ConnectInfo;

    fn connect_info(&self) -> C::ConnectInfo {
        self.connection.get_ref().connect_info()
    }
}

impl<C: AsyncRead + Unpin> AsyncRead for Guarded<C> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        if self.read >= TURN {
            self.read = 0;
            // It has us woken once the runtime has looked at the other sockets, and not at once. Whatever else wakes this task
            // before gives it its next turn.
            ready!(pin!(yield_now()).poll(cx));
        }
        let (before, left) = (buffer.filled().len(), TURN - self.read);
        self.connection.set_limit(left as u64);
        let read = Pin::new(&mut self.connection).poll_read(cx, buffer);
        self.read = if read.is_pending() { 0 } else { self.read + buffer.filled().len() - before };
        read
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Guarded<C> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(self.connection.get_mut()).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(self.connection.get_mut()).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.get_ref().is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(self.connection.get_mut()).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(self.connection.get_mut()).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
    use std::task::{Wake, Waker};

    use futures_util::FutureExt as _;
    use tokio::io::AsyncWriteExt as _;
    use tokio::sync::Semaphore;

    use super::*;

    async fn guarded<C: AsyncRead>(connection: C) -> Guarded<C> {
        let slot = Arc::new(Semaphore::new(1)).acquire_owned().await.unwrap();
        Guarded::new(connection, CancellationToken::new(), CancellationToken::new(), slot)
    }

    #[tokio::test]
    async fn others_get_a_turn_while_much_is_there_to_read_and_all_of_it_is_read() {
        let (reading, mut writing) = tokio::io::duplex(16 * TURN);
        let sent: Vec<u8> = (0..10 * TURN).map(|at| at.to_le_bytes()[0]).collect();
        writing.write_all(&sent).await.unwrap();
        drop(writing);
        let (mut connection, mut read, mut turns) = (guarded(reading).await, Vec::new(), 1);
        let mut reader = Box::pin(connection.read_to_end(&mut read));
        while (&mut reader).now_or_never().is_none() {
            turns += 1;
        }
        drop(reader);
        assert_eq!(read, sent);
        assert!(turns >= 10, "{turns} turns");
    }

    /// Whether somebody was woken.
    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, SeqCst);
        }
    }

    #[tokio::test]
    async fn who_gives_others_a_turn_is_not_woken_before_the_runtime_has_looked_around() {
        let (reading, mut writing) = tokio::io::duplex(16 * TURN);
        writing.write_all(&[0; 2 * TURN]).await.unwrap();
        let (mut connection, woken) = (guarded(reading).await, Arc::new(Woken::default()));
        let (waker, mut room) = (Waker::from(woken.clone()), [0; 2 * TURN]);
        let mut reader = Box::pin(connection.read_exact(&mut room));
        assert!(reader.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(!woken.0.load(SeqCst));
        yield_now().await;
        assert!(woken.0.load(SeqCst));
        assert!(reader.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
}
