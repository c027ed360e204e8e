//! `[[auth.mtls]]`: a SPIFFE trust domain and who may sign its certificates.

use std::path::PathBuf;

use serde::Deserialize;

use crate::auth::{TrustBundle, TrustDomain};

/// `[[auth.mtls]]`
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrustDomainConfig {
    /// Name of the trust domain, as in `spiffe://NAME/path`.
    pub trust_domain: String,
    /// The certificates (PEM) of its authorities.
    pub bundle_file: PathBuf,
}

impl TrustDomainConfig {
    /// The trust domain.
    pub(crate) fn name(&self) -> Result<TrustDomain, String> {
        TrustDomain::new(&self.trust_domain).map_err(|problem| format!("trust_domain {problem}"))
    }

    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems: Vec<String> = self.name().err().into_iter().collect();
        if self.bundle_file.as_os_str().is_empty() {
            problems.push("bundle_file is not set".to_owned());
        } else {
            problems.extend(
                TrustBundle::open(&self.bundle_file).err().map(|problem| format!("bundle_file {problem}")),
            );
        }
        problems
    }
}

/// Two bundles of one trust domain would be two opinions on who belongs to it.
pub(super) fn named_twice(domains: &[TrustDomainConfig]) -> Option<String> {
    let twice = domains.iter().enumerate().find(|(index, domain)| {
        domains[..*index].iter().any(|other| other.trust_domain == domain.trust_domain)
    });
    twice.map(|(index, _)| {
        format!(
            "[[auth.mtls]] number {}: the trust domain stands there twice; put all its authorities into one bundle",
            index + 1
        )
    })
}
