//! The other end of a connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use broker_core::{Principal, Timestamp};
use rustls::pki_types::CertificateDer;

use super::refusal::Refusal;
use super::server_tls::unix_time;
use super::trust_domains::{Accepted, TrustDomains};

/// A certificate is verified again after this long: it may have expired since the handshake.
const VERIFIED_FOR: Duration = Duration::from_secs(10);

/// Who is at the other end of a connection, as far as the connection tells. Every request carries it.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(super) address: Option<SocketAddr>,
    certificate: Option<Arc<PeerCertificate>>,
}

struct PeerCertificate {
    /// Not empty; the peer's own is the first.
    chain: Vec<CertificateDer<'static>>,
    verified: Mutex<Option<(Timestamp, Accepted)>>,
}

impl Peer {
    /// `chain` is what the peer proved to hold the key of, its own certificate first; empty where it showed none.
    pub(super) fn new(address: Option<SocketAddr>, chain: &[CertificateDer<'_>]) -> Self {
        let chain: Vec<_> = chain.iter().map(|certificate| certificate.clone().into_owned()).collect();
        let certificate = (!chain.is_empty()).then(|| PeerCertificate { chain, verified: Mutex::default() });
        Self { address, certificate: certificate.map(Arc::new) }
    }

    /// The SPIFFE id in its certificate, if the trust domains vouch for it at `now`. A handshake is no verdict for good:
    /// connections last, certificates end and bundles change.
    pub(super) fn principal(&self, domains: &TrustDomains, now: Timestamp) -> Result<Principal, Refusal> {
        let certificate = self.certificate.as_ref().ok_or(Refusal::NoCertificate)?;
        let mut verified = certificate.verified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, accepted)) = &*verified
            && now >= *at
            && now.since(*at) < VERIFIED_FOR
            && domains.is_current(accepted.bundle)
        {
            return Ok(accepted.principal.clone());
        }
        *verified = None;
        let (own, intermediates) = certificate.chain.split_first().ok_or(Refusal::NoCertificate)?;
        let accepted = domains.verify(own, intermediates, unix_time(now))?;
        let principal = accepted.principal.clone();
        *verified = Some((now, accepted));
        Ok(principal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::TrustDomain;
    use crate::auth::testing::{Authority, NOT_AFTER, NOT_BEFORE};
    use crate::auth::trust_bundle::TrustBundle;
    use crate::auth::trust_domains::CertificateRefused;

    const ID: &str = "spiffe://prod.example/recorder";

    #[tokio::test]
    async fn a_connection_outlives_neither_its_certificate_nor_its_bundle() {
        let directory = tempfile::tempdir().unwrap();
        let bundle = directory.path().join("bundle.pem");
        let authority = Authority::new();
        std::fs::write(&bundle, authority.pem()).unwrap();
        let name = TrustDomain::new("prod.example").unwrap();
        let watched = TrustBundle::watch("prod.example", &bundle).unwrap();
        let domains = TrustDomains::new(vec![(name, watched)]);
        let peer = Peer::new(None, &[authority.svid(ID)]);
        let named = |now| peer.principal(&domains, now).map(|principal| principal.to_string());

        assert_eq!(named(NOT_BEFORE).unwrap(), ID);
        assert_eq!(named(NOT_AFTER).unwrap(), ID);
        assert_eq!(named(NOT_AFTER + Duration::from_secs(1)).unwrap(), ID, "verified a second ago");
        let refused = named(NOT_AFTER + VERIFIED_FOR).unwrap_err();
        assert!(refused.to_string().contains("expired"), "{refused}");
        assert_eq!(named(NOT_BEFORE).unwrap(), ID);

        std::fs::write(&bundle, Authority::new().pem()).unwrap();
        for bundle in domains.bundles() {
            bundle.look().await;
        }
        let refused = named(NOT_BEFORE).unwrap_err();
        assert!(matches!(refused, Refusal::Certificate(CertificateRefused::NotVerified(_))), "{refused}");
    }

    #[test]
    fn without_a_certificate_nobody_is_there() {
        let nobody = Peer::new(None, &[]).principal(&TrustDomains::new(Vec::new()), NOT_BEFORE);
        assert_eq!(nobody, Err(Refusal::NoCertificate));
    }
}
