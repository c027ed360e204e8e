//! How TLS is spoken.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use broker_core::{Clock, Timestamp};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::UnixTime;
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::time_provider::TimeProvider;

use super::server_certificate::CurrentCertificate;
use super::svid_verifier::SvidVerifier;
use super::trust_domains::TrustDomains;

/// TLS 1.3, or 1.2 where the client has no better; gRPC and nothing else. With trust domains, clients are asked for
/// their certificates.
pub(super) fn server_config(
    certificate: CurrentCertificate,
    domains: Option<Arc<TrustDomains>>,
    clock: Arc<dyn Clock>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let clients: Arc<dyn ClientCertVerifier> = match domains {
        Some(domains) => Arc::new(SvidVerifier::new(domains)),
        None => WebPkiClientVerifier::no_client_auth(),
    };
    let provider = Arc::new(ring::default_provider());
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(ClockTime(clock)))
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(clients)
        .with_cert_resolver(Arc::new(certificate));
    config.alpn_protocols = vec![b"h2".to_vec()];
    // A resumed session would bring back a certificate that nobody verifies again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Arc::new(config))
}

/// A time as rustls counts it.
pub(super) fn unix_time(at: Timestamp) -> UnixTime {
    let micros = u64::try_from(at.as_unix_micros()).unwrap_or(0);
    UnixTime::since_unix_epoch(Duration::from_micros(micros))
}

/// Certificates are judged by the broker's own clock.
struct ClockTime(Arc<dyn Clock>);

impl TimeProvider for ClockTime {
    fn current_time(&self) -> Option<UnixTime> {
        Some(unix_time(self.0.now()))
    }
}

impl fmt::Debug for ClockTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClockTime")
    }
}

#[cfg(test)]
#[path = "server_tls_tests.rs"]
mod tests;
