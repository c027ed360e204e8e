//! One gRPC call over HTTP/2, without a client library's cost, so that the load needs less CPU than the servers.

use std::future::poll_fn;
use std::net::SocketAddr;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use h2::client::{Builder, Connection, SendRequest};
use http::{HeaderMap, HeaderValue, Request, Uri, header};
use tokio::net::TcpStream;

const WINDOW: u32 = 16 * 1024 * 1024;
const PATH: &str = "/tokenbroker.v1.TokenService/GetAccessToken";

/// Calls GetAccessToken on one connection. Clones share the connection.
#[derive(Clone)]
pub(crate) struct Caller {
    sender: SendRequest<Bytes>,
    request: Request<()>,
}

impl Caller {
    /// Connects. The connection must be driven for calls to get on.
    pub(crate) async fn connect(address: SocketAddr) -> Result<(Self, Connection<TcpStream>)> {
        let stream =
            TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = Builder::new()
            .initial_window_size(WINDOW)
            .initial_connection_window_size(WINDOW)
            .handshake(stream)
            .await?;
        Ok((Self { sender, request: request(address)? }, connection))
    }

    /// Sends a framed request and answers the framed reply. Any status but OK is an error.
    pub(crate) async fn call(&mut self, frame: Bytes) -> Result<Bytes> {
        poll_fn(|context| self.sender.poll_ready(context)).await?;
        let (response, mut body) = self.sender.send_request(self.request.clone(), false)?;
        body.send_data(frame, true)?;
        let (head, body) = response.await?.into_parts();
        ensure!(head.status.is_success(), "HTTP status {}", head.status);
        receive(&head.headers, body).await
    }
}

fn request(address: SocketAddr) -> Result<Request<()>> {
    let uri = Uri::builder().scheme("http").authority(address.to_string()).path_and_query(PATH).build()?;
    let mut request = Request::post(uri).body(())?;
    request.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    request.headers_mut().insert(header::TE, HeaderValue::from_static("trailers"));
    Ok(request)
}

async fn receive(head: &HeaderMap, mut body: h2::RecvStream) -> Result<Bytes> {
    let mut reply = Bytes::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        reply = if reply.is_empty() { part } else { joined(&reply, &part) };
    }
    let trailers = body.trailers().await?;
    status(trailers.as_ref().unwrap_or(head))?;
    Ok(reply)
}

fn joined(first: &[u8], second: &[u8]) -> Bytes {
    let mut both = BytesMut::with_capacity(first.len() + second.len());
    both.extend_from_slice(first);
    both.extend_from_slice(second);
    both.freeze()
}

/// A call without a message has its status in the head, any other in the trailers.
fn status(fields: &HeaderMap) -> Result<()> {
    let text = |name| fields.get(name).map_or("missing", |value| value.to_str().unwrap_or("unreadable"));
    match text("grpc-status") {
        "0" => Ok(()),
        code => bail!("grpc-status {code}: {}", text("grpc-message")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_but_zero_is_an_error() {
        let with = |code| HeaderMap::from_iter([(header::HeaderName::from_static("grpc-status"), code)]);
        assert!(status(&with(HeaderValue::from_static("0"))).is_ok());
        assert!(status(&with(HeaderValue::from_static("5"))).is_err());
        assert!(status(&HeaderMap::new()).is_err());
    }
}
