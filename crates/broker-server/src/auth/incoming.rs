//! Connections to clients: plain in mode `dev`, otherwise after a handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::peer::Peer;
use super::refusals::Refusals;

/// What every connection comes through.
#[derive(Clone)]
pub(crate) struct Door {
    /// `None` in mode `dev`.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) refusals: Arc<Refusals>,
    /// Longest wait for a handshake: those who connect and say nothing keep nobody waiting.
    pub(super) handshake_within: Duration,
}

impl Door {
    /// `None` if the handshake fails: nobody else need know.
    pub(crate) async fn admit(&self, stream: TcpStream) -> Option<Connection> {
        let Some(acceptor) = &self.tls else { return Some(Connection::Plain(stream)) };
        let address = stream.peer_addr().ok();
        let handshake = tokio::time::timeout(self.handshake_within, acceptor.accept(stream)).await;
        match handshake.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => Some(Connection::Tls(Box::new(stream))),
            Err(error) => {
                self.refusals.note_handshake(&error, address);
                None
            }
        }
    }
}

/// A connection to a client.
pub(crate) enum Connection {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        match self {
            Self::Plain(stream) => Peer::new(stream.peer_addr().ok(), &[]),
            Self::Tls(stream) => {
                let (tcp, session) = stream.get_ref();
                Peer::new(tcp.peer_addr().ok(), session.peer_certificates().unwrap_or_default())
            }
        }
    }
}

/// Calls the same on whichever stream it is.
macro_rules! delegate {
    ($connection:expr, $stream:ident => $call:expr) => {
        match $connection.get_mut() {
            Connection::Plain(plain) => {
                let $stream = Pin::new(plain);
                $call
            }
            Connection::Tls(tls) => {
                let $stream = Pin::new(tls.as_mut());
                $call
            }
        }
    };
}

impl AsyncRead for Connection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_read(cx, buffer))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        delegate!(self, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Plain(stream) => stream.is_write_vectored(),
            Self::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        delegate!(self, stream => stream.poll_shutdown(cx))
    }
}
