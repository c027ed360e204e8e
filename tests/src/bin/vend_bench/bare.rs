//! The control: what any tonic server costs that answers these bytes.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use broker_proto::v1;
use broker_proto::v1::token_service_server::{TokenService, TokenServiceServer};
use prost::Message;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

/// Serves until killed, with the runtime that `#[tokio::main]` would make.
pub(crate) fn serve(reply: &Path) -> Result<()> {
    let bytes = fs::read(reply).with_context(|| format!("cannot read {}", reply.display()))?;
    let reply =
        v1::GetAccessTokenResponse::decode(bytes.as_slice()).context("the reply is no token response")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(listen(Bare { reply }))
}

async fn listen(bare: Bare) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&listener)?;
    tonic::transport::Server::builder()
        .add_service(TokenServiceServer::new(bare))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
        .await
        .context("the bare server ended")
}

#[expect(clippy::print_stdout, reason = "the first line says where the server listens, as the broker's does")]
fn announce(listener: &TcpListener) -> Result<()> {
    println!("{}", serde_json::json!({ "grpc": listener.local_addr()?.to_string() }));
    Ok(())
}

struct Bare {
    reply: v1::GetAccessTokenResponse,
}

#[tonic::async_trait]
impl TokenService for Bare {
    async fn get_access_token(
        &self,
        _: Request<v1::GetAccessTokenRequest>,
    ) -> Result<Response<v1::GetAccessTokenResponse>, Status> {
        Ok(Response::new(self.reply.clone()))
    }
}
