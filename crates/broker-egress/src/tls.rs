//! Whom to trust: the system's root certificates and those configured.

use std::sync::{Arc, LazyLock};

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::EgressSetupError;

/// TLS for HTTP/1.1 with ring, whatever provider the process has installed.
pub(crate) fn client_config(extra_roots_pem: Option<&[u8]>) -> Result<ClientConfig, EgressSetupError> {
    let mut roots = SYSTEM_ROOTS.clone();
    if let Some(pem) = extra_roots_pem {
        add_extra(&mut roots, pem)?;
    }
    if roots.is_empty() {
        // Not fatal: a broker that only talks to loopback needs none, and https fails closed.
        tracing::warn!("no root certificates found: every https call will fail; install ca-certificates");
    }
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Read once: reading and parsing them is a third of a start, and the process has several doors.
static SYSTEM_ROOTS: LazyLock<RootCertStore> = LazyLock::new(system_roots);

/// Reads `SSL_CERT_FILE` or `SSL_CERT_DIR` where set, else the usual places.
fn system_roots() -> RootCertStore {
    let found = rustls_native_certs::load_native_certs();
    for error in &found.errors {
        tracing::warn!(%error, "a system root certificate was skipped");
    }
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    roots
}

fn add_extra(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), EgressSetupError> {
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| EgressSetupError::ExtraRoots(error.to_string()))?;
    if certificates.is_empty() {
        return Err(EgressSetupError::ExtraRoots("no certificate in it".to_owned()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| EgressSetupError::ExtraRoots(error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extra_roots_must_be_certificates() {
        for bad in ["", "not pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            let refused = client_config(Some(bad.as_bytes()));
            assert!(matches!(refused, Err(EgressSetupError::ExtraRoots(_))), "{bad:?}");
        }
    }
}
