//! The control: presents refresh tokens through the broker's egress, one after the other per grant, and keeps nothing.

use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use async_trait::async_trait;
use broker_core::ports::{SendGate, SendRefused};
use broker_egress::{Egress, EgressConfig, OneShot};
use clap::Args;
use futures_util::future::try_join_all;
use serde::Deserialize;
use tokio_util::task::TaskTracker;
use url::Url;
use zeroize::Zeroizing;

/// Whom to present to, and how many at once.
#[derive(Args)]
pub(crate) struct Bare {
    /// The token endpoint
    #[arg(long)]
    token_url: Url,
    /// Grants, and presentations in flight
    #[arg(long)]
    in_flight: usize,
    /// The number of the first grant
    #[arg(long)]
    first: usize,
}

#[derive(Deserialize)]
struct Pair {
    refresh_token: String,
}

/// Nothing has to be durable.
struct Open;

#[async_trait]
impl SendGate for Open {
    async fn commit_sent(&self) -> Result<(), SendRefused> {
        Ok(())
    }
}

impl Bare {
    /// Presents until killed.
    pub(crate) fn run(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(self.present())
    }

    async fn present(&self) -> Result<()> {
        let (egress, tasks) = (Egress::new(EgressConfig::default())?, TaskTracker::new());
        let grants = self.first..self.first + self.in_flight;
        let workers = grants.map(|grant| tasks.spawn(rotate(egress.clone(), self.token_url.clone(), grant)));
        try_join_all(workers).await?.into_iter().collect()
    }
}

async fn rotate(egress: Egress, url: Url, grant: usize) -> Result<()> {
    let mut pair = post(&egress, &url, format!("grant_type=authorization_code&code=c-{grant}")).await?;
    loop {
        let form = format!("grant_type=refresh_token&refresh_token={}", pair.refresh_token);
        pair = post(&egress, &url, form).await?;
    }
}

async fn post(egress: &Egress, url: &Url, form: String) -> Result<Pair> {
    let shot = OneShot {
        url: url.clone(),
        authorization: Some(Zeroizing::new("Basic YmVuY2g6YmVuY2g=".to_owned())),
        content_type: "application/x-www-form-urlencoded",
        body: Zeroizing::new(form.into_bytes()),
        gate: Arc::new(Open),
    };
    let answer = egress.post_once(shot).await?;
    if answer.status != 200 {
        bail!("the authorization server answers {}", answer.status);
    }
    serde_json::from_slice(&answer.body).context("an answer without tokens")
}
