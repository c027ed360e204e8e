//! The place in a TLS handshake where a client's certificate is judged.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, OtherError, SignatureScheme,
};

use super::trust_domains::{CertificateRefused, TrustDomains};

/// Accepts the SVIDs of the trust domains, and clients without any certificate: health asks for none.
pub(super) struct SvidVerifier {
    domains: Arc<TrustDomains>,
    signatures: WebPkiSupportedAlgorithms,
}

impl SvidVerifier {
    pub(super) fn new(domains: Arc<TrustDomains>) -> Self {
        Self { domains, signatures: ring::default_provider().signature_verification_algorithms }
    }
}

impl ClientCertVerifier for SvidVerifier {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// None: a client shows the certificate it has, and which authorities we trust is nobody's business.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.domains.verify(certificate, intermediates, now) {
            Ok(_) => Ok(ClientCertVerified::assertion()),
            Err(CertificateRefused::NotVerified(error)) => Err(error),
            Err(other) => {
                Err(Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(other)))))
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.signatures)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.signatures)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.signatures.supported_schemes()
    }
}

impl fmt::Debug for SvidVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SvidVerifier")
    }
}
