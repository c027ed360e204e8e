//! A GET over plain HTTP, one request per connection.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The status of `GET path`, and the whole answer.
pub async fn get(address: SocketAddr, path: &str, authorization: &str) -> (u16, String) {
    get_with(address, path, &[("authorization", authorization)]).await
}

/// The same with these headers.
pub async fn get_with(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    send(address, "GET", path, &headers).await
}

/// The status of a request as a browser without a session makes it, and the whole answer. `headers` end their lines.
pub async fn send(address: SocketAddr, method: &str, path: &str, headers: &str) -> (u16, String) {
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}connection: close\r\n\r\n");
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    (status.expect("an HTTP answer begins with a status line"), answer)
}
