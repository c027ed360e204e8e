//! Who calls: TLS, the credentials of callers, and the layer in front of every service that asks for them.

mod authenticator;
mod bearer;
mod incoming;
mod issuer;
mod issuer_keys;
mod layer;
mod open;
mod peer;
mod refusal;
mod refusals;
mod report;
mod server_certificate;
mod server_tls;
mod spiffe_id;
mod svid;
mod svid_verifier;
#[cfg(test)]
mod testing;
mod token_memory;
mod trust_bundle;
mod trust_domains;
mod watched;

use std::sync::Arc;
use std::time::Duration;

use broker_core::Clock;
use futures_util::future::{join, join_all};

use self::authenticator::Authenticator;
pub(crate) use self::incoming::Door;
use self::issuer_keys::IssuerKeys;
pub(crate) use self::issuer_keys::{KeyOrigin, KeyTimes};
pub(crate) use self::layer::Authenticated;
use self::refusals::Refusals;
pub(crate) use self::report::{Credential, Report};
pub(crate) use self::server_certificate::ServerCertificate;
pub(crate) use self::spiffe_id::TrustDomain;
pub(crate) use self::trust_bundle::TrustBundle;
use self::trust_domains::TrustDomains;
use self::watched::Watched;
use crate::config::{AuthMode, Config};
use crate::wiring::Surroundings;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Everything about callers: how they connect, and who they are.
pub(crate) struct Auth {
    authenticator: Arc<Authenticator>,
    /// `None` in mode `dev`.
    certificate: Option<Arc<Watched<ServerCertificate>>>,
    door: Door,
    refusals: Arc<Refusals>,
    clock: Arc<dyn Clock>,
    max_connection_age: Option<Duration>,
}

impl Auth {
    /// Reads certificates, bundles and keys. An issuer that does not answer is no reason not to start.
    pub(crate) async fn open(config: &Config, around: &Surroundings) -> anyhow::Result<Self> {
        let clock = around.clock.clone();
        let authenticator = open::authenticator(&config.auth, around).map_err(anyhow::Error::msg)?;
        let (certificate, tls) = match config.auth.mode {
            AuthMode::Dev => (None, None),
            AuthMode::Mtls | AuthMode::Jwt => {
                let (certificate, tls) = open::tls(config, &authenticator, &clock)?;
                (Some(certificate), Some(tls))
            }
        };
        for warning in config.warnings(clock.now()) {
            tracing::warn!("{warning}");
        }
        let refusals = Arc::new(Refusals::new(clock.clone()));
        let auth = Self {
            max_connection_age: certificate.is_some().then_some(config.tls.max_connection_age),
            authenticator: Arc::new(authenticator),
            certificate,
            door: Door { tls, refusals: refusals.clone(), handshake_within: config.limits.handshake_timeout },
            refusals,
            clock,
        };
        join_all(auth.issuer_keys().map(IssuerKeys::look)).await;
        Ok(auth)
    }

    /// What goes in front of every service.
    pub(crate) fn layer(&self) -> Authenticated {
        Authenticated { authenticator: self.authenticator.clone(), refusals: self.refusals.clone() }
    }

    /// What connections come through.
    pub(crate) fn door(&self) -> Door {
        self.door.clone()
    }

    /// After how long a caller must come again, so that it is known anew; `None` where callers are not checked.
    pub(crate) fn max_connection_age(&self) -> Option<Duration> {
        self.max_connection_age
    }

    /// Looks at files and issuers again and again. Never ends.
    pub(crate) async fn keep_fresh(self: Arc<Self>) {
        join(self.look_at_files(), join_all(self.issuer_keys().map(IssuerKeys::run))).await;
    }

    async fn look_at_files(&self) {
        loop {
            self.clock.sleep_until(self.clock.now() + LOOK_EVERY).await;
            if let Some(certificate) = &self.certificate {
                certificate.look().await;
            }
            join_all(self.bundles().map(Watched::look)).await;
        }
    }

    /// How the credentials are.
    pub(crate) fn report(&self) -> Report {
        let of_file = |name: &str, fresh| Credential { name: name.to_owned(), fresh };
        let certificate = self.certificate.iter().map(|one| of_file(one.name(), one.is_fresh()));
        let bundles = self.bundles().map(|bundle| of_file(bundle.name(), bundle.is_fresh()));
        let keys = self.issuer_keys().map(|keys| of_file(keys.name(), keys.is_fresh()));
        Report {
            credentials: certificate.chain(bundles).chain(keys).collect(),
            certificate_ends: self.certificate.as_ref().map(|one| one.current().value.not_after()),
            turned_away: self.refusals.counts(),
        }
    }

    fn bundles(&self) -> impl Iterator<Item = &Watched<TrustBundle>> {
        let domains = match &*self.authenticator {
            Authenticator::Certificates { domains, .. } => Some(domains),
            Authenticator::Nobody | Authenticator::Tokens(_) => None,
        };
        domains.into_iter().flat_map(|domains: &Arc<TrustDomains>| domains.bundles())
    }

    fn issuer_keys(&self) -> impl Iterator<Item = &IssuerKeys> {
        let issuers = match &*self.authenticator {
            Authenticator::Tokens(issuers) => Some(issuers),
            Authenticator::Nobody | Authenticator::Certificates { .. } => None,
        };
        issuers.into_iter().flat_map(|issuers| issuers.keys())
    }
}
