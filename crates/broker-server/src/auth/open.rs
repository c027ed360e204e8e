//! From configuration to credentials.

use std::sync::Arc;

use anyhow::Context;
use broker_core::Clock;
use tokio_rustls::TlsAcceptor;

use super::authenticator::Authenticator;
use super::issuer::{Issuer, Issuers};
use super::issuer_keys::IssuerKeys;
use super::server_certificate::{CurrentCertificate, ServerCertificate};
use super::server_tls::server_config;
use super::trust_bundle::TrustBundle;
use super::trust_domains::TrustDomains;
use super::watched::Watched;
use crate::config::{AuthConfig, AuthMode, Config, IssuerConfig, TrustDomainConfig};
use crate::wiring::Surroundings;

/// What knows callers in the mode that is configured.
pub(super) fn authenticator(config: &AuthConfig, around: &Surroundings) -> Result<Authenticator, String> {
    let clock = &around.clock;
    Ok(match config.mode {
        AuthMode::Dev => Authenticator::Nobody,
        AuthMode::Mtls => {
            let domains: Result<Vec<_>, _> = config.mtls.iter().map(trust_domain).collect();
            Authenticator::Certificates {
                domains: Arc::new(TrustDomains::new(domains?)),
                clock: clock.clone(),
            }
        }
        AuthMode::Jwt => {
            let issuers: Result<Vec<_>, _> = config.jwt.iter().map(|one| issuer(one, around)).collect();
            Authenticator::Tokens(Issuers::new(issuers?, clock.clone()))
        }
    })
}

fn trust_domain(config: &TrustDomainConfig) -> Result<(super::TrustDomain, Watched<TrustBundle>), String> {
    let told = |problem| format!("[[auth.mtls]] {problem}");
    let bundle = TrustBundle::watch(&config.trust_domain, &config.bundle_file);
    Ok((config.name().map_err(told)?, bundle.map_err(told)?))
}

fn issuer(config: &IssuerConfig, around: &Surroundings) -> Result<Issuer, String> {
    let told = |problem| format!("[[auth.jwt]] {problem}");
    let origin = config.key_origin().map_err(told)?.counted_in(&around.calls);
    Ok(Issuer {
        rules: config.rules().map_err(told)?,
        prefix: config.principal_prefix.clone(),
        keys: IssuerKeys::new(&config.issuer, origin, config.key_times(), around.clock.clone()),
    })
}

/// The server's certificate, and what makes handshakes with it.
pub(super) fn tls(
    config: &Config,
    authenticator: &Authenticator,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<(Arc<Watched<ServerCertificate>>, TlsAcceptor)> {
    let [certificate, key] = config.tls.files().map_err(anyhow::Error::msg)?;
    let certificate =
        ServerCertificate::watch(certificate, key).map_err(anyhow::Error::msg).context("[tls]")?;
    let certificate = Arc::new(certificate);
    let domains = match authenticator {
        Authenticator::Certificates { domains, .. } => Some(domains.clone()),
        Authenticator::Nobody | Authenticator::Tokens(_) => None,
    };
    let server = server_config(CurrentCertificate(certificate.clone()), domains, clock.clone())?;
    Ok((certificate, TlsAcceptor::from(server)))
}
