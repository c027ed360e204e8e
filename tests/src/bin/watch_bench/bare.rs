//! The control as a process.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use broker_egress::{Egress, EgressConfig};
use broker_proto::v1::admin_service_server::AdminServiceServer;
use broker_proto::v1::token_service_server::TokenServiceServer;
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tonic::transport::server::TcpIncoming;
use url::Url;

use crate::control::Control;

/// Whom to present to.
#[derive(Args)]
pub(crate) struct Bare {
    /// The token endpoint
    #[arg(long)]
    token_url: Url,
}

impl Bare {
    /// Serves until it is told to end.
    pub(crate) fn run(&self) -> Result<()> {
        let egress = Egress::new(EgressConfig::default())?;
        let control = Control::new(egress, self.token_url.clone());
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(listen(control))
    }
}

async fn listen(control: Control) -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    announce(&listener)?;
    let control = Arc::new(control);
    let serving = tonic::transport::Server::builder()
        .add_service(TokenServiceServer::from_arc(control.clone()))
        .add_service(AdminServiceServer::from_arc(control))
        .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)));
    let mut told_to_end = signal(SignalKind::terminate())?;
    tokio::select! {
        ended = serving => ended.context("the control ended"),
        _ = told_to_end.recv() => Ok(()),
    }
}

#[expect(clippy::print_stdout, reason = "the first line says where the server listens, as the broker's does")]
fn announce(listener: &TcpListener) -> Result<()> {
    println!("{}", serde_json::json!({ "grpc": listener.local_addr()?.to_string() }));
    Ok(())
}
