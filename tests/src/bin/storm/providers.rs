//! The simulated providers, one of each profile.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Result;
use provider_sim::{Clock, Endpoint, Entry, Fault, Journal, Running, Simulator};

use crate::profile::Profile;

/// A running simulator for each profile, all on one clock.
pub(crate) struct Providers {
    simulators: Vec<(Profile, Running)>,
    clock: Clock,
}

impl Providers {
    /// Starts them. Each waits for `latency` before it rotates and again before it answers.
    pub(crate) async fn start(token_life: Duration, latency: Duration) -> Result<Self> {
        let clock = Clock::system();
        let mut simulators = Vec::new();
        for profile in Profile::ALL {
            let simulator = Simulator::evercam(profile.simulator(token_life)).with_clock(clock.clone());
            let simulator = simulator.bind("127.0.0.1:0").await?;
            let slow = Fault::latency(Endpoint::Refresh, latency).delay_after(latency).forever();
            simulator.faults().push(slow);
            simulators.push((profile, simulator));
        }
        Ok(Self { simulators, clock })
    }

    /// The one clock of the storm.
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// What the simulator of this profile saw.
    pub(crate) fn journal(&self, profile: Profile) -> &Journal {
        // The order is that of `Profile::ALL`, which is the order of declaration.
        self.simulators[profile as usize].1.journal()
    }

    /// Every time that a refresh token was shown, by profile and family, in order of arrival.
    pub(crate) fn presentations(&self) -> HashMap<(Profile, u64), Vec<Entry>> {
        let mut presentations: HashMap<_, Vec<Entry>> = HashMap::new();
        for (profile, simulator) in &self.simulators {
            let shown = simulator.journal().entries().into_iter();
            for entry in shown.filter(|entry| entry.endpoint == Endpoint::Refresh) {
                if let Some(family) = entry.family {
                    presentations.entry((*profile, family)).or_default().push(entry);
                }
            }
        }
        presentations
    }

    /// How many refreshes were carried out by all.
    pub(crate) fn rotations(&self) -> usize {
        self.simulators.iter().map(|(_, simulator)| simulator.journal().refreshes()).sum()
    }

    /// The `[providers.*]` sections of a broker that uses them.
    pub(crate) fn toml(&self) -> String {
        let mut toml = String::new();
        for (profile, simulator) in &self.simulators {
            let (name, keys, base) = (profile.name(), profile.broker_keys(), simulator.base_url());
            // Writing to a string never fails.
            let _ = write!(
                toml,
                "\n[providers.{name}]\nadapter = \"evercam\"\n{keys}authorize_url = \"{base}/oauth/authorize\"\n\
                 token_url = \"{base}/oauth/token\"\nrevoke_url = \"{base}/oauth/revoke\"\n"
            );
        }
        toml
    }
}
