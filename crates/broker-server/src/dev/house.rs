//! The directory and the simulators a development broker lives in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use broker_crypto::OsEntropy;
use provider_sim::{EagleEyeConfig, EvercamConfig, HttpsBaseUrl, Running, Simulator};
use tokio::net::TcpListener;

use super::provider::DemoProvider;
use crate::config::{
    Adapter, Config, EscrowConfig, KeysConfig, ListenConfig, LogConfig, LogLevel, ProviderConfig,
    RotationConfig, StoreConfig,
};
use crate::keys;

/// Short lives, so that there is something to see.
const EVERCAM_ACCESS_TTL: Duration = Duration::from_secs(60);
const EAGLE_EYE_ACCESS_TTL: Duration = Duration::from_secs(90);

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// What a development broker needs around it.
pub(super) struct House {
    directory: PathBuf,
    /// Removed when the house is closed, if nobody named a directory.
    temporary: Option<tempfile::TempDir>,
    evercam: Running,
    eagle_eye: Running,
    providers: [DemoProvider; 2],
    listen: ListenConfig,
}

impl House {
    /// Makes or finds the directory, and starts both simulators on free ports.
    pub(super) async fn open(data: Option<&Path>, any_port: bool) -> anyhow::Result<Self> {
        let (directory, temporary) = match data {
            Some(named) => {
                std::fs::create_dir_all(named)
                    .with_context(|| format!("cannot create the data directory {}", named.display()))?;
                (named.to_owned(), None)
            }
            None => {
                let made = tempfile::Builder::new().prefix("token-broker-dev-").tempdir()?;
                (made.path().to_owned(), Some(made))
            }
        };
        let kek = directory.join("kek");
        if !kek.exists() {
            keys::generate("dev-1", Some(&kek), &OsEntropy)?;
        }
        let evercam = Simulator::evercam(EvercamConfig {
            access_ttl: EVERCAM_ACCESS_TTL,
            state_file: Some(directory.join("evercam.state")),
            ..EvercamConfig::demo()
        });
        let evercam = evercam.bind(ANY_PORT).await?;
        // Bound first: the simulator's answers name the address.
        let listener = TcpListener::bind(ANY_PORT).await?;
        let address = listener.local_addr()?;
        let eagle_eye = Simulator::eagle_eye(EagleEyeConfig {
            access_ttl: EAGLE_EYE_ACCESS_TTL,
            state_file: Some(directory.join("eagle-eye.state")),
            https_base_url: HttpsBaseUrl { hostname: address.ip().to_string(), port: address.port() },
            ..EagleEyeConfig::demo()
        })
        .serve(listener)?;
        let providers =
            [DemoProvider::evercam(evercam.base_url()), DemoProvider::eagle_eye(eagle_eye.base_url())];
        let listen = listen(any_port).await;
        Ok(Self { directory, temporary, evercam, eagle_eye, providers, listen })
    }

    /// Where everything is.
    pub(super) fn introduction(&self, running: &crate::Running) -> String {
        let mut text = format!(
            "data   {}\nbroker http://{}  (gRPC; probes on http://{})\n",
            self.directory.display(),
            running.grpc,
            running.http
        );
        for provider in &self.providers {
            text += &format!("sim    {}  ({}, plain http)\n", provider.base_url, provider.name);
        }
        text
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    pub(super) fn providers(&self) -> &[DemoProvider] {
        &self.providers
    }

    /// The configuration of a broker that lives here.
    pub(super) fn config(&self, log_level: &str) -> anyhow::Result<Config> {
        let at = |name: &str| self.directory.join(name);
        let level = LogLevel::from_name(log_level)
            .with_context(|| format!("--log {log_level}: write off, error, warn, info, debug or trace"))?;
        let [evercam, eagle_eye] = &self.providers;
        Ok(Config {
            listen: self.listen.clone(),
            store: StoreConfig::sqlite(&at("broker.db")),
            keys: KeysConfig { kek_file: Some(at("kek")), ..KeysConfig::default() },
            escrow: EscrowConfig { dir: Some(at("escrow")), ..EscrowConfig::default() },
            log: LogConfig { level, ..LogConfig::default() },
            // The simulators answer within a millisecond; long waits would only be in the way.
            rotation: RotationConfig {
                connect_timeout: Duration::from_secs(1),
                provider_timeout: Duration::from_secs(4),
                ..RotationConfig::default()
            },
            providers: [
                (evercam.name.to_owned(), at_simulator(Adapter::Evercam, &evercam.base_url, "oauth")),
                (eagle_eye.name.to_owned(), at_simulator(Adapter::EagleEye, &eagle_eye.base_url, "oauth2")),
            ]
            .into(),
            ..Config::default()
        })
    }

    /// Ends the simulators and removes a temporary directory.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        self.evercam.shutdown().await;
        self.eagle_eye.shutdown().await;
        match self.temporary {
            Some(directory) => Ok(directory.close()?),
            None => Ok(()),
        }
    }
}

fn at_simulator(adapter: Adapter, base_url: &str, path: &str) -> ProviderConfig {
    ProviderConfig {
        authorize_url: Some(format!("{base_url}/{path}/authorize")),
        token_url: Some(format!("{base_url}/{path}/token")),
        revoke_url: Some(format!("{base_url}/{path}/revoke")),
        base_url: Some(base_url.to_owned()),
        // Nobody who tries this sends a token anywhere else.
        api_hosts: Some(vec![Ipv4Addr::LOCALHOST.to_string()]),
        ..ProviderConfig::of(adapter)
    }
}

/// The usual ports where they are free, else any: a second broker on this machine is nothing to fail for.
async fn listen(any_port: bool) -> ListenConfig {
    let usual = ListenConfig::default();
    let free = |address: SocketAddr| async move { TcpListener::bind(address).await.is_ok() };
    if !any_port && free(usual.grpc).await && free(usual.http).await {
        return usual;
    }
    ListenConfig { grpc: ANY_PORT, http: ANY_PORT }
}

/// What to try next.
pub(super) fn invitation(grpc: SocketAddr) -> String {
    format!(
        "\nTry in another terminal:\n\
         \n  export TOKEN_BROKER_ENDPOINT=http://{grpc}\n\
         \n  cargo run --release -p broker-cli -- --tenant demo grants list\n\
         \n  cargo run --release -p broker-cli -- --tenant demo --provider evercam --user alice token get\n\
         \n  cargo run --release -p broker-cli -- --tenant demo --provider eagle-eye --user alice grants refresh\n\
         \nThe simulators speak plain http, also where a vended api base URL says https.\n\
         \nCtrl-C ends it.\n\n"
    )
}
