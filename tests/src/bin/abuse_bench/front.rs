//! A server with grants, and the good clients who are connected to it: in plaintext, or over TLS.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use broker_e2e::Client;
use broker_e2e::authority::{Authority, Identity};
use broker_e2e::bench::{Cores, Home, Server, TRUST_DOMAIN, obtain};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::Plan;

pub(crate) const GRANTS: usize = 200;
const CONNECTIONS: usize = 4;

/// What attackers and good clients meet.
pub(crate) struct Front {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
}

impl Front {
    /// Starts a broker. With an authority it serves over TLS alone, and knows its callers by their certificates.
    pub(crate) async fn open(
        plan: &Plan,
        directory: &Path,
        stub: &str,
        cores: &Cores,
        authority: Option<&Authority>,
    ) -> Result<Self> {
        let binary =
            plan.broker.canonicalize().with_context(|| format!("there is no {}", plan.broker.display()))?;
        let directory = directory.join(if authority.is_some() { "tls" } else { "plain" });
        let store = format!("sqlite://{}", directory.join("store.db").display());
        let mut home = Home::furnish(directory, &binary, store, stub)?;
        if let Some(authority) = authority {
            home = home.behind_tls(authority)?;
        }
        let mut serve = Command::new(&binary);
        serve.arg("serve").arg("--config").arg(home.rotating(1)?);
        let server = Server::start(&mut serve, &home.log(), cores)?;
        let clients = connected(&server, authority).await?;
        obtain(&clients[0], 0..GRANTS).await?;
        Ok(Self { server, clients })
    }

    pub(crate) async fn close(self) -> Result<()> {
        tokio::task::spawn_blocking(|| self.server.stop()).await?
    }
}

async fn connected(server: &Server, authority: Option<&Authority>) -> Result<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(match authority {
            None => Client::connect(server.address()).await,
            Some(authority) => Client::over(over_tls(server, authority).await?),
        });
    }
    Ok(clients)
}

async fn over_tls(server: &Server, authority: &Authority) -> Result<Channel> {
    let Identity { certificate, key } = authority.workload(&format!("spiffe://{TRUST_DOMAIN}/load"));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(authority.pem()))
        .domain_name("localhost")
        .identity(tonic::transport::Identity::from_pem(certificate, key));
    Ok(Endpoint::from_shared(format!("https://{}", server.address()))?.tls_config(tls)?.connect().await?)
}
