//! A place to listen at, with a queue for those who come all at once.

use std::io;
use std::net::SocketAddr;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpSocket};

/// Connections that wait to be accepted: as many as Linux keeps unless it is told otherwise (net.core.somaxconn). Whoever
/// finds no room there tries again a second later, and all clients of a replica that went come to the others at once.
const WAITING: u32 = 4096;

/// Listens there, for what is named so.
pub(crate) fn bind(address: SocketAddr, what: &str) -> anyhow::Result<TcpListener> {
    listen(address).with_context(|| {
        format!("cannot listen on {address} for {what}; choose another address, or port 0 for a free one")
    })
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // A restart need not wait until connections of the process before are forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(WAITING)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::future::try_join_all;
    use tokio::net::TcpStream;

    use super::*;

    /// More than the usual queue has, and fewer than one without room would take in seconds.
    const CLIENTS: usize = 600;

    #[tokio::test]
    async fn many_who_come_at_once_are_connected_before_any_is_accepted() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), "a test").unwrap();
        let address = listener.local_addr().unwrap();
        let all = try_join_all((0..CLIENTS).map(|_| TcpStream::connect(address)));
        let connected = tokio::time::timeout(Duration::from_secs(20), all).await;
        assert_eq!(connected.expect("there is room for all").unwrap().len(), CLIENTS);
    }

    #[tokio::test]
    async fn a_place_that_is_taken_is_named() {
        let listener = bind("127.0.0.1:0".parse().unwrap(), "a test").unwrap();
        let taken = listener.local_addr().unwrap();
        let error = bind(taken, "grpc").unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot listen on {taken} for grpc; choose")), "{error}");
    }
}
