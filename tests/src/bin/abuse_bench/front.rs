//! A server with grants, and the good clients who are connected to it: in plaintext, or over TLS, or with a provider that
//! takes its time.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};
use broker_e2e::Client;
use broker_e2e::authority::{Authority, Identity};
use broker_e2e::bench::{Cores, Home, Server, Stub, TRUST_DOMAIN, Times, obtain, obtain_more};
use provider_sim::Clock;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use crate::Plan;

/// Grants with a token that lives on.
pub(crate) const GRANTS: usize = 200;
/// Grants beside them whose token has expired, where a provider takes its time.
pub(crate) const WAITING: usize = 200;
/// Nothing is due while it is measured.
const EXPIRES_IN: u32 = 12 * 3600;
const CONNECTIONS: usize = 4;
/// Rotations at once: fewer than there are tokens that have expired.
const IN_FLIGHT: usize = 64;

/// What attackers and good clients meet.
pub(crate) struct Front {
    pub(crate) server: Server,
    pub(crate) clients: Vec<Client>,
    stub: Stub,
}

impl Front {
    /// In plaintext.
    pub(crate) async fn plain(plan: &Plan, directory: &Path, cores: &Cores) -> Result<Self> {
        Self::open(plan, &directory.join("plain"), cores, None, Duration::from_millis(1)).await
    }

    /// Over TLS alone; callers are known by certificates of the authority.
    pub(crate) async fn tls(plan: &Plan, directory: &Path, cores: &Cores) -> Result<Self> {
        Self::open(plan, &directory.join("tls"), cores, Some(&Authority::new()), Duration::from_millis(1))
            .await
    }

    /// The provider takes 30 s for a refresh, and the tokens of some grants have expired.
    pub(crate) async fn slow_provider(plan: &Plan, directory: &Path, cores: &Cores) -> Result<Self> {
        let front = Self::open(plan, &directory.join("slow"), cores, None, Duration::from_secs(30)).await?;
        front.stub.let_expire_in(1);
        obtain_more(&front.clients[0], GRANTS..GRANTS + WAITING).await?;
        Ok(front)
    }

    async fn open(
        plan: &Plan,
        directory: &Path,
        cores: &Cores,
        authority: Option<&Authority>,
        latency: Duration,
    ) -> Result<Self> {
        let times = Times { latency, expires_in: EXPIRES_IN };
        let stub = Stub::start(GRANTS + WAITING, times, Clock::system()).await?;
        let binary =
            plan.broker.canonicalize().with_context(|| format!("there is no {}", plan.broker.display()))?;
        let store = format!("sqlite://{}", directory.join("store.db").display());
        let mut home = Home::furnish(directory.to_owned(), &binary, store, &stub.url)?;
        if let Some(authority) = authority {
            home = home.behind_tls(authority)?;
        }
        let mut serve = Command::new(&binary);
        serve.arg("serve").arg("--config").arg(home.rotating(IN_FLIGHT)?);
        let server = Server::start(&mut serve, &home.log(), cores)?;
        let clients = connected(&server, authority).await?;
        obtain(&clients[0], 0..GRANTS).await?;
        Ok(Self { server, clients, stub })
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
