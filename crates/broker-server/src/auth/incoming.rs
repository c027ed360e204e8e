//! Connections, as tonic takes them: plain in mode `dev`, otherwise after a handshake.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tonic::transport::server::{Connected, TcpIncoming};

use super::peer::Peer;
use super::refusals::Refusals;

/// Longest wait for a handshake, and how many may be under way. Those who connect and say nothing keep nobody waiting.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
const MOST_HANDSHAKES: usize = 1024;

/// What every connection comes through.
#[derive(Clone)]
pub(super) struct Door {
    /// `None` in mode `dev`.
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) refusals: Arc<Refusals>,
}

impl Door {
    /// The connections that come in at `listener`.
    pub(super) fn incoming(self, listener: TcpListener) -> impl Stream<Item = io::Result<Connection>> {
        // On a listener of ours tonic's own `tcp_nodelay` has no effect, and answers wait 40 ms for an acknowledgement.
        let accepted = TcpIncoming::from(listener).with_nodelay(Some(true));
        let admitted = accepted.map(move |accepted| self.clone().admit(accepted));
        admitted.buffer_unordered(MOST_HANDSHAKES).filter_map(std::future::ready)
    }

    /// `None` if the handshake fails: nobody else need know.
    async fn admit(self, accepted: io::Result<TcpStream>) -> Option<io::Result<Connection>> {
        let (stream, acceptor) = match (accepted, self.tls) {
            (Ok(stream), Some(acceptor)) => (stream, acceptor),
            (accepted, _) => return Some(accepted.map(Connection::Plain)),
        };
        let address = stream.peer_addr().ok();
        let handshake = tokio::time::timeout(HANDSHAKE_WITHIN, acceptor.accept(stream)).await;
        match handshake.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => Some(Ok(Connection::Tls(Box::new(stream)))),
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
