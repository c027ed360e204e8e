//! A call of a simulator's API with a vended token, to see that it is accepted.

use anyhow::{Context, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The HTTP status of `GET base_url/path` with `authorization`. Plain HTTP on loopback, one request per connection.
pub(super) async fn status(base_url: &str, path: &str, authorization: &str) -> anyhow::Result<u16> {
    let address = base_url.strip_prefix("http://").context("simulators speak plain HTTP")?;
    let mut stream = TcpStream::connect(address).await?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nhost: {address}\r\nauthorization: {authorization}\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let line = String::from_utf8_lossy(&answer);
    match line.split(' ').nth(1).and_then(|status| status.parse().ok()) {
        Some(status) => Ok(status),
        None => bail!("the simulator's answer has no status line"),
    }
}
