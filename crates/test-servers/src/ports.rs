//! Ports for servers to listen on.

use std::io;
use std::net::{Ipv4Addr, TcpStream};
use std::ops::Range;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::names;

/// Below the ports that systems hand out to clients, so that none takes the port of a server while it is down.
const PORTS: Range<u16> = 10_000..32_000;

/// How many ports to look at: enough to find a free one on any sane machine.
const TRIES: usize = 200;

/// A port on 127.0.0.1 where nobody listens, and that no other call in this process answers.
pub(crate) fn free() -> io::Result<u16> {
    (0..TRIES)
        .map(|_| next())
        .find(|port| is_free(*port))
        .ok_or_else(|| io::Error::other("found no free port on 127.0.0.1"))
}

/// Asks by connecting. A socket of ours on that port could be inherited by a program that another thread starts just
/// then, and would keep the port for a moment.
fn is_free(port: u16) -> bool {
    let refused = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).err().map(|error| error.kind());
    refused == Some(io::ErrorKind::ConnectionRefused)
}

/// One after another, from a place where no other process begins.
fn next() -> u16 {
    static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(names::random() >> 1));
    let offset = NEXT.fetch_add(1, Ordering::Relaxed) % u64::from(PORTS.end - PORTS.start);
    // Never out of range: the offset is below the length of a range of u16.
    PORTS.start + u16::try_from(offset).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn no_port_is_answered_twice() {
        let ports: HashSet<_> = (0..50).map(|_| free().unwrap()).collect();
        assert_eq!(ports.len(), 50);
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }

    #[test]
    fn a_port_with_a_listener_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        assert!(!is_free(listener.local_addr().unwrap().port()));
    }
}
