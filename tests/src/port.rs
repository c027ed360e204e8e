//! Waiting for a port that a broker left and is to have again.
//!
//! Meanwhile the kernel may have given it to a connection that some other test opened: it is free once that is closed.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use tokio::net::TcpListener;

use crate::LONGEST_WAIT;

/// Returns once the broker of this configuration can serve gRPC where it says, if it says where.
pub(crate) async fn until_free(config: &Path) {
    let Some(address) = named(&fs::read_to_string(config).unwrap()) else { return };
    let binding = async {
        while TcpListener::bind(address).await.is_err() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONGEST_WAIT, binding)
        .await
        .unwrap_or_else(|_| panic!("{address} does not get free"));
}

fn named(config: &str) -> Option<SocketAddr> {
    let grpc = config.lines().find_map(|line| line.strip_prefix("grpc = "))?;
    grpc.trim_matches('"').parse().ok().filter(|address: &SocketAddr| address.port() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_with_a_port_is_waited_for() {
        assert_eq!(named("[listen]\ngrpc = \"127.0.0.1:0\"\nhttp = \"127.0.0.1:0\"\n"), None);
        assert_eq!(named("[listen]\ngrpc = \"127.0.0.1:4711\"\n"), Some(([127, 0, 0, 1], 4711).into()));
    }
}
