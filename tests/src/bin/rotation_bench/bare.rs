//! The control: presents refresh tokens through the broker's egress, one after the other per grant, and keeps nothing.

use anyhow::Result;
use broker_e2e::bench::present;
use broker_egress::{Egress, EgressConfig};
use clap::Args;
use futures_util::future::try_join_all;
use tokio_util::task::TaskTracker;
use url::Url;

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
    let mut pair = present(&egress, &url, format!("grant_type=authorization_code&code=c-{grant}")).await?;
    loop {
        let form = format!("grant_type=refresh_token&refresh_token={}", pair.refresh_token);
        pair = present(&egress, &url, form).await?;
    }
}
