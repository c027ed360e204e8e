//! The authorities of one trust domain.

use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;

use super::watched::{ReadFile, Watched, read_files};

/// The authorities that sign the certificates of a trust domain.
pub(crate) struct TrustBundle {
    /// Chain, validity, extended key usage and name constraints.
    pub(super) verifier: Arc<dyn ClientCertVerifier>,
}

impl TrustBundle {
    /// Reads a file of certificates (PEM).
    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        Self::parse(&read_files(&[path])?)
    }

    /// Reads it, to be looked at again and again.
    pub(super) fn watch(trust_domain: &str, path: &Path) -> Result<Watched<Self>, String> {
        Watched::open(format!("trust_bundle {trust_domain}"), vec![path.to_owned()], Self::parse)
    }

    fn parse(files: &[ReadFile]) -> Result<Self, String> {
        let [file] = files else { return Err("a bundle is needed".to_owned()) };
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&file.content) {
            let certificate = certificate.map_err(|_| file.problem("is not PEM"))?;
            roots.add(certificate).map_err(|error| file.problem(error))?;
        }
        if roots.is_empty() {
            return Err(file.problem("no certificate in it (PEM)"));
        }
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider).build();
        Ok(Self { verifier: verifier.map_err(|error| file.problem(error))? })
    }
}
