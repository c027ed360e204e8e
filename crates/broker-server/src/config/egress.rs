//! `[egress]`: how providers are called.

use std::path::PathBuf;

use broker_egress::{Egress, EgressSetupError};
use serde::Deserialize;

use super::Config;

/// `[egress]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EgressConfig {
    /// Certificates (PEM) trusted in addition to those of the system.
    pub ca_file: Option<PathBuf>,
}

impl Config {
    /// The door to outgoing HTTP: the certificates of `[egress]`, the times of `[rotation]`.
    pub fn open_egress(&self) -> Result<Egress, String> {
        self.open_egress_with(self.rotation.egress())
    }

    /// The same, with other times.
    pub(crate) fn open_egress_with(&self, egress: broker_egress::EgressConfig) -> Result<Egress, String> {
        Egress::new(self.with_roots(egress)?).map_err(|error| self.egress_problem(&error))
    }

    pub(super) fn with_roots(
        &self,
        mut egress: broker_egress::EgressConfig,
    ) -> Result<broker_egress::EgressConfig, String> {
        if let Some(path) = &self.egress.ca_file {
            let pem = std::fs::read(path)
                .map_err(|error| format!("[egress] ca_file {}: {error}", path.display()))?;
            egress.extra_roots_pem = Some(pem);
        }
        Ok(egress)
    }

    pub(super) fn egress_problem(&self, error: &EgressSetupError) -> String {
        match &self.egress.ca_file {
            Some(path) => format!("[egress] ca_file {}: {error}", path.display()),
            None => format!("cannot set up outgoing HTTP: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let config = Config { egress: EgressConfig { ca_file: Some(path.clone()) }, ..Config::default() };
        for _ in ["absent", "empty"] {
            let problem = config.open_egress().err().unwrap();
            assert!(problem.starts_with("[egress] ca_file") && problem.contains("ca.pem"), "{problem}");
            std::fs::write(&path, "").unwrap();
        }
    }
}
