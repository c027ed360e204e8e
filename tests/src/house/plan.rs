//! How a house is furnished.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use provider_sim::{EagleEyeConfig, EvercamConfig, Simulator};

use super::{Broker, House};
use crate::settings::Settings;
use crate::{HandClock, Provider, Recorder, access, logs};

/// How to furnish a house.
pub struct Plan {
    eagle_eye: EagleEyeConfig,
    rotation: Vec<(&'static str, String)>,
    access: String,
    keys: Option<String>,
    audit: String,
    child: Option<PathBuf>,
    scheduler: bool,
    recorded: bool,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            eagle_eye: EagleEyeConfig::demo(),
            rotation: Vec::new(),
            access: String::new(),
            keys: None,
            audit: String::new(),
            child: None,
            scheduler: false,
            recorded: false,
        }
    }
}

impl Plan {
    /// The broker is a child process on the machine's clock.
    pub fn child(self, binary: &str) -> Self {
        Self { child: Some(binary.into()), scheduler: true, ..self }
    }

    /// The scheduler looks for due grants.
    pub fn scheduler(self) -> Self {
        Self { scheduler: true, ..self }
    }

    /// Everything between broker and simulators goes through taps.
    pub fn recorded(self) -> Self {
        Self { recorded: true, ..self }
    }

    /// Callers may do what these policies allow, and who does not say who they are may do everything.
    pub fn enforce(self, policies: &str) -> Self {
        Self { access: access::section("enforce", policies), ..self }
    }

    /// The same, but what they do not allow is only logged.
    pub fn shadow(self, policies: &str) -> Self {
        Self { access: access::section("shadow", policies), ..self }
    }

    /// Key encryption keys that come from this section, in place of a file.
    pub fn keys(self, section: &str) -> Self {
        Self { keys: Some(section.to_owned()), ..self }
    }

    /// The lines of `[audit]`.
    pub fn audit(self, lines: &str) -> Self {
        Self { audit: format!("\n[audit]\n{lines}\n"), ..self }
    }

    /// A key of `[rotation]`.
    pub fn rotation(mut self, key: &'static str, value: &str) -> Self {
        self.rotation.push((key, value.to_owned()));
        self
    }

    /// Another Eagle Eye.
    pub fn eagle_eye(self, eagle_eye: EagleEyeConfig) -> Self {
        Self { eagle_eye, ..self }
    }

    /// Starts everything, and creates the tenant and its registrations.
    pub async fn open(mut self) -> House {
        if !self.scheduler {
            self.rotation.push(("tick", "3650days".to_owned()));
        }
        let log_from = logs::capture();
        let clock = Arc::new(HandClock::new());
        let time = if self.child.is_some() { provider_sim::Clock::system() } else { clock.of_simulators() };
        let any = "127.0.0.1:0";
        let evercam =
            Simulator::evercam(EvercamConfig::demo()).with_clock(time.clone()).bind(any).await.unwrap();
        let eagle_eye = Simulator::eagle_eye(self.eagle_eye).with_clock(time).bind(any).await.unwrap();
        let simulators = [evercam, eagle_eye];
        let mut recorders = Vec::new();
        if self.recorded {
            for simulator in &simulators {
                recorders.push(Recorder::start(simulator.address()).await);
            }
        }
        let directory = tempfile::tempdir().unwrap();
        let settings =
            Settings::new(directory.path(), self.rotation, self.access + &self.audit).keys_from(self.keys);
        let direct = |provider: Provider| simulators[provider as usize].base_url();
        let tapped = |provider: Provider| {
            recorders.get(provider as usize).map_or_else(|| direct(provider), Recorder::base_url)
        };
        let config = settings.write(direct, tapped);
        let (broker, client) = Broker::start(self.child.as_deref(), &config, &settings.log(), &clock).await;
        let house = House {
            client,
            clock,
            directory,
            settings,
            config,
            simulators: simulators.map(Some).into(),
            recorders,
            binary: self.child,
            broker,
            canaries: Mutex::default(),
            log_from,
            closed: false,
        };
        house.move_in().await;
        house
    }
}
