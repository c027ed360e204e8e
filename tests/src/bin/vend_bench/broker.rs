//! The broker under measurement: the release binary on its embedded store, with grants made through real consent.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use broker_proto::v1;
use provider_sim::{EagleEyeConfig, Running, Simulator};

use crate::Plan;
use crate::consent::Product;
use crate::target::Question;
use broker_e2e::bench::{Cores, Server};

/// Tenant of every grant.
pub(crate) const TENANT: &str = "bench";
/// Provider of every grant.
pub(crate) const PROVIDER: &str = "eagle-eye";

/// A running broker that holds a fresh token for every question.
pub(crate) struct Broker {
    pub(crate) server: Server,
    pub(crate) requests: Vec<v1::GetAccessTokenRequest>,
    pub(crate) questions: Vec<Question>,
    /// One of its answers.
    pub(crate) sample: v1::GetAccessTokenResponse,
    /// The provider of its grants.
    pub(crate) simulator: Running,
}

impl Broker {
    /// Starts a simulator and the broker, and walks the planned number of users through consent.
    pub(crate) async fn prepare(binary: &Path, directory: &Path, plan: &Plan, cores: &Cores) -> Result<Self> {
        let binary = binary.canonicalize().with_context(|| format!("there is no {}", binary.display()))?;
        let simulator = Simulator::eagle_eye(EagleEyeConfig::demo()).bind("127.0.0.1:0").await?;
        let config = configure(&binary, directory, &simulator.base_url())?;
        let mut serve = Command::new(&binary);
        serve.arg("serve").arg("--config").arg(config).current_dir(directory);
        let server = Server::start(&mut serve, &directory.join("token-broker.log"), cores)?;
        let requests: Vec<_> = (0..plan.grants()).map(request).collect();
        match fill(&server, &requests).await {
            Ok((questions, sample)) => Ok(Self { server, requests, questions, sample, simulator }),
            Err(error) => bail!("{error:#}{}", server.last_words()),
        }
    }
}

async fn fill(
    server: &Server,
    requests: &[v1::GetAccessTokenRequest],
) -> Result<(Vec<Question>, v1::GetAccessTokenResponse)> {
    let product = Product::connect(server.address()).await?;
    Ok((product.obtain_grants(requests).await?, product.token(&requests[0]).await?))
}

/// What a service asks for the token of user `number`.
pub(crate) fn request(number: usize) -> v1::GetAccessTokenRequest {
    v1::GetAccessTokenRequest {
        tenant_id: TENANT.to_owned(),
        provider: PROVIDER.to_owned(),
        user_id: format!("user-{number}"),
        purpose: "bench".to_owned(),
        ..Default::default()
    }
}

fn configure(binary: &Path, directory: &Path, provider: &str) -> Result<std::path::PathBuf> {
    let kek = directory.join("kek");
    let made = Command::new(binary).args(["keys", "generate", "--out"]).arg(&kek).output();
    let made = made.with_context(|| format!("cannot start {}", binary.display()))?;
    ensure!(made.status.success(), "cannot make a key: {}", String::from_utf8_lossy(&made.stderr));
    let config = directory.join("token-broker.toml");
    fs::write(&config, toml(directory, provider))?;
    Ok(config)
}

fn toml(directory: &Path, provider: &str) -> String {
    let directory = directory.display();
    format!(
        r#"
[listen]
grpc = "127.0.0.1:0"
http = "127.0.0.1:0"

[auth]
mode = "dev"

[store]
url = "sqlite://{directory}/store.db"

[keys]
kek_file = "{directory}/kek"

[escrow]
dir = "{directory}/escrow"

[providers.{PROVIDER}]
adapter = "eagle-eye"
authorize_url = "{provider}/oauth2/authorize"
token_url = "{provider}/oauth2/token"
revoke_url = "{provider}/oauth2/revoke"
"#
    )
}
