//! How a house is furnished.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use provider_sim::{ClientConfig, EagleEyeConfig, EvercamConfig, Simulator};

use super::{Broker, House};
use crate::clock::{HandClock, START_SECONDS};
use crate::settings::Settings;
use crate::{Provider, Recorder, access, logs};

/// Where browsers reach a broker that receives callbacks. Tests go to its address instead.
const PUBLIC_URL: &str = "http://localhost:3333";

/// How to furnish a house.
pub struct Plan {
    eagle_eye: EagleEyeConfig,
    evercam: EvercamConfig,
    rotation: Vec<(&'static str, String)>,
    access: String,
    keys: Option<String>,
    audit: String,
    sections: String,
    child: Option<PathBuf>,
    scheduler: bool,
    recorded: bool,
    hosted: bool,
    start: u64,
    providers: Vec<(Provider, String)>,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            eagle_eye: EagleEyeConfig::demo(),
            evercam: EvercamConfig::demo(),
            rotation: Vec::new(),
            access: String::new(),
            keys: None,
            audit: String::new(),
            sections: String::new(),
            child: None,
            scheduler: false,
            recorded: false,
            hosted: false,
            start: START_SECONDS,
            providers: Vec::new(),
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

    /// The clock starts so many seconds after the Unix epoch.
    pub fn starts_at(self, seconds: u64) -> Self {
        Self { start: seconds, ..self }
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

    /// `[ext_authz]`, enabled, with further lines.
    pub fn ext_authz(self, lines: &str) -> Self {
        self.sections(&format!("[ext_authz]\nenabled = true\n{lines}"))
    }

    /// Further sections of the configuration.
    pub fn sections(self, toml: &str) -> Self {
        Self { sections: format!("{}\n{toml}\n", self.sections), ..self }
    }

    /// A key of `[rotation]`.
    pub fn rotation(mut self, key: &'static str, value: &str) -> Self {
        self.rotation.push((key, value.to_owned()));
        self
    }

    /// Further lines of a provider's section of the configuration.
    pub fn provider(mut self, provider: Provider, lines: &str) -> Self {
        self.providers.push((provider, lines.to_owned()));
        self
    }

    /// Another Eagle Eye.
    pub fn eagle_eye(self, eagle_eye: EagleEyeConfig) -> Self {
        Self { eagle_eye, ..self }
    }

    /// The broker receives callbacks, and both providers may send browsers there.
    pub fn hosted(mut self) -> Self {
        self.access.push_str(&hosting_section());
        Self { hosted: true, ..self }
    }

    /// Another Evercam.
    pub fn evercam(self, evercam: EvercamConfig) -> Self {
        Self { evercam, ..self }
    }

    /// Starts everything, and creates the tenant and its registrations.
    pub async fn open(mut self) -> House {
        if !self.scheduler {
            self.rotation.push(("tick", "3650days".to_owned()));
        }
        let log_from = logs::capture();
        let clock = Arc::new(HandClock::at(self.start));
        let time = if self.child.is_some() { provider_sim::Clock::system() } else { clock.of_simulators() };
        let any = "127.0.0.1:0";
        let mut of_evercam = self.evercam;
        if self.hosted {
            also_sends_to(&mut of_evercam.clients, Provider::Evercam.name());
            also_sends_to(&mut self.eagle_eye.clients, Provider::EagleEye.name());
        }
        let evercam = Simulator::evercam(of_evercam).with_clock(time.clone()).bind(any).await.unwrap();
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
            Settings::new(directory.path(), self.rotation, self.access + &self.audit + &self.sections)
                .keys_from(self.keys)
                .providers(self.providers);
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

/// The redirect URI on the broker's own page.
pub fn hosted_redirect_uri(provider: Provider) -> String {
    redirect_uri(provider.name())
}

/// The section that lets a broker receive callbacks.
pub(crate) fn hosting_section() -> String {
    format!("\n[http]\npublic_url = \"{PUBLIC_URL}\"\n")
}

/// Lets the provider of that name send browsers of these clients to the broker's page.
pub(crate) fn also_sends_to(clients: &mut [ClientConfig], provider: &str) {
    for client in clients {
        *client = client.clone().redirect_uri(redirect_uri(provider));
    }
}

fn redirect_uri(provider: &str) -> String {
    format!("{PUBLIC_URL}/oauth/callback/{provider}")
}
