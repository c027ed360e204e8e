//! `[webhooks]`: how events are delivered.

use std::time::Duration;

use broker_egress::{AddressPolicy, StrangerEgress};
use serde::Deserialize;

use super::Config;

/// Receivers have longer than this nowhere else.
const LONGEST: Duration = Duration::from_secs(30);

/// `[webhooks]`
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhooksConfig {
    /// How long a receiver has to answer.
    #[serde(with = "humantime_serde")]
    pub timeout: Duration,
    /// Networks that receivers may be in, beside the public Internet.
    pub allow_networks: Vec<String>,
}

impl Default for WebhooksConfig {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(15), allow_networks: Vec::new() }
    }
}

impl WebhooksConfig {
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.policy().err().unwrap_or_default();
        if !(Duration::from_millis(100)..=LONGEST).contains(&self.timeout) {
            problems.push(format!("[webhooks] timeout must be 100 ms to {} s", LONGEST.as_secs()));
        }
        problems
    }

    fn policy(&self) -> Result<AddressPolicy, Vec<String>> {
        let (mut also, mut problems) = (Vec::new(), Vec::new());
        for network in &self.allow_networks {
            match network.parse() {
                Ok(network) => also.push(network),
                Err(_) => problems.push(format!(
                    "[webhooks] allow_networks: {network:?} is no network; write it as 10.1.0.0/16 or fd00::/8"
                )),
            }
        }
        if problems.is_empty() { Ok(AddressPolicy { also }) } else { Err(problems) }
    }
}

impl Config {
    /// The door to receivers of webhooks: the certificates of `[egress]`, the time and networks of `[webhooks]`.
    pub(crate) fn open_stranger_egress(&self) -> Result<StrangerEgress, String> {
        let policy = self.webhooks.policy().map_err(|problems| problems.join("; "))?;
        let times =
            broker_egress::EgressConfig { total_timeout: self.webhooks.timeout, ..self.rotation.egress() };
        let config = self.with_roots(times)?;
        StrangerEgress::new(&config, policy).map_err(|error| self.egress_problem(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(toml: &str) -> Vec<String> {
        toml::from_str::<Config>(toml).unwrap().webhooks.problems()
    }

    #[test]
    fn every_bad_value_is_named() {
        assert_eq!(problems(""), Vec::<String>::new());
        assert_eq!(
            problems("[webhooks]\nallow_networks = [\"10.0.0.0/8\", \"::1/128\"]"),
            Vec::<String>::new()
        );
        let problems = problems("[webhooks]\ntimeout = \"1h\"\nallow_networks = [\"10.0.0.0\", \"x/8\"]");
        let begins = [
            "[webhooks] allow_networks: \"10.0.0.0\"",
            "[webhooks] allow_networks: \"x/8\"",
            "[webhooks] timeout",
        ];
        assert_eq!(problems.len(), begins.len(), "{problems:?}");
        for (problem, begin) in problems.iter().zip(begins) {
            assert!(problem.starts_with(begin), "{problem}");
        }
    }
}
