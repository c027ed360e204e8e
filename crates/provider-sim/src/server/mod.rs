//! The simulator as a server: one provider on one address.

mod body;
mod connection;
pub mod control;
mod exchange;
mod postmark;
mod running;
mod site;

use std::io;

use tokio::net::{TcpListener, ToSocketAddrs};

pub use running::Running;

use crate::clock::Clock;
use crate::eagle_eye::{EagleEye, EagleEyeConfig};
use crate::evercam::{Evercam, EvercamConfig};
use crate::ledger::StateError;
use crate::provider::Provider;
use site::Site;

/// A simulator that has not been started.
///
/// ```
/// # async fn example() -> Result<(), provider_sim::StartError> {
/// use provider_sim::{EvercamConfig, Simulator};
///
/// let evercam = Simulator::evercam(EvercamConfig::demo()).bind("127.0.0.1:0").await?;
/// println!("{}", evercam.base_url());
/// evercam.shutdown().await;
/// # Ok(()) }
/// ```
pub struct Simulator {
    config: Config,
    clock: Clock,
}

enum Config {
    Evercam(EvercamConfig),
    EagleEye(EagleEyeConfig),
}

/// The simulator cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen: {0}; choose another address or port 0")]
    Listen(#[from] io::Error),
    /// The state file cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
}

impl Simulator {
    /// A simulated Evercam.
    pub fn evercam(config: EvercamConfig) -> Self {
        Self { config: Config::Evercam(config), clock: Clock::system() }
    }

    /// A simulated Eagle Eye Networks.
    pub fn eagle_eye(config: EagleEyeConfig) -> Self {
        Self { config: Config::EagleEye(config), clock: Clock::system() }
    }

    /// Replaces the clock.
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Listens on the address, port 0 for any free one, and serves plain HTTP.
    ///
    /// # Errors
    /// The address is taken, or the state file cannot be used.
    pub async fn bind(self, address: impl ToSocketAddrs) -> Result<Running, StartError> {
        self.serve(TcpListener::bind(address).await?)
    }

    /// Serves plain HTTP on the listener.
    ///
    /// # Errors
    /// The listener has no address, or the state file cannot be used.
    pub fn serve(self, listener: TcpListener) -> Result<Running, StartError> {
        let address = listener.local_addr()?;
        let provider: Box<dyn Provider> = match self.config {
            Config::Evercam(config) => Box::new(Evercam::open(config, self.clock.clone())?),
            Config::EagleEye(config) => Box::new(EagleEye::open(config, self.clock.clone())?),
        };
        let site = Site::new(provider, self.clock);
        Ok(Running::start(site, listener, address))
    }
}
