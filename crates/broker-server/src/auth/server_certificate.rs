//! The certificate by which clients know the broker.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use broker_core::Timestamp;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::der::Decode;

use super::watched::{ReadFile, Watched, read_files};

/// A certificate with its chain and its key.
pub(crate) struct ServerCertificate {
    key: Arc<CertifiedKey>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl ServerCertificate {
    /// Reads the files of certificate and key (PEM).
    pub(crate) fn open(certificate: &Path, key: &Path) -> Result<Self, String> {
        Self::parse(&read_files(&[certificate, key])?)
    }

    /// Reads them, to be looked at again and again.
    pub(super) fn watch(certificate: &Path, key: &Path) -> Result<Watched<Self>, String> {
        Watched::open("server_certificate", vec![certificate.to_owned(), key.to_owned()], Self::parse)
    }

    fn parse(files: &[ReadFile]) -> Result<Self, String> {
        let [certificate, key] = files else { return Err("a certificate and a key are needed".to_owned()) };
        let chain = chain(certificate)?;
        // The error of the parser may quote the file.
        let private = PrivateKeyDer::from_pem_slice(&key.content)
            .map_err(|_| key.problem("no private key in it (PEM)"))?;
        let (not_before, not_after) =
            validity(&chain).ok_or_else(|| certificate.problem("cannot be read"))?;
        let certified = CertifiedKey::from_der(chain, private, &ring::default_provider());
        let key = certified.map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => key.problem("is not the key of the certificate"),
            other => key.problem(other),
        })?;
        Ok(Self { key: Arc::new(key), not_before, not_after })
    }

    /// When it ends.
    pub(crate) fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// Why clients will not accept it at `now`.
    pub(crate) fn warning(&self, now: Timestamp) -> Option<String> {
        match now {
            now if now > self.not_after => Some("the certificate has expired".to_owned()),
            now if now < self.not_before => Some("the certificate is not valid yet".to_owned()),
            _ => None,
        }
    }
}

fn chain(file: &ReadFile) -> Result<Vec<CertificateDer<'static>>, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&file.content).collect();
    let chain = chain.map_err(|_| file.problem("is not PEM"))?;
    if chain.is_empty() { Err(file.problem("no certificate in it (PEM)")) } else { Ok(chain) }
}

fn validity(chain: &[CertificateDer<'_>]) -> Option<(Timestamp, Timestamp)> {
    let certificate = Certificate::from_der(chain.first()?).ok()?;
    let validity = *certificate.tbs_certificate().validity();
    let start = Timestamp::from_unix_seconds(0);
    Some((start + validity.not_before.to_unix_duration(), start + validity.not_after.to_unix_duration()))
}

/// Shows the certificate of now at each handshake.
pub(super) struct CurrentCertificate(pub(super) Arc<Watched<ServerCertificate>>);

impl ResolvesServerCert for CurrentCertificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current().value.key.clone())
    }
}

impl fmt::Debug for CurrentCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CurrentCertificate")
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rcgen::KeyPair;

    use super::*;
    use crate::auth::testing::{Authority, NOT_AFTER, NOT_BEFORE};

    #[test]
    fn what_cannot_be_served_is_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| directory.path().join(name));
        let (pem, key_pem) = Authority::new().server("localhost");
        let other_key = KeyPair::generate().unwrap().serialize_pem();
        for (certificate_pem, key_text, told) in [
            (None, Some(key_pem.as_str()), "tls.crt: No such file"),
            (Some(pem.as_str()), None, "tls.key: No such file"),
            (Some(""), Some(&key_pem), "tls.crt: no certificate in it"),
            (Some(&key_pem), Some(&key_pem), "tls.crt: no certificate in it"),
            (Some(&pem[..pem.len() / 2]), Some(&key_pem), "tls.crt: is not PEM"),
            (Some(&pem), Some(&pem), "tls.key: no private key in it"),
            (Some(&pem), Some(&other_key), "tls.key: is not the key of the certificate"),
        ] {
            for (path, text) in [(&certificate, certificate_pem), (&key, key_text)] {
                let _ = std::fs::remove_file(path);
                text.into_iter().for_each(|text| std::fs::write(path, text).unwrap());
            }
            let problem = ServerCertificate::open(&certificate, &key).err().unwrap();
            assert!(problem.contains(told), "{told}: {problem}");
        }
    }

    #[test]
    fn a_certificate_out_of_its_time_is_warned_of() {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["tls.crt", "tls.key"].map(|name| directory.path().join(name));
        let (pem, key_pem) = Authority::new().server("localhost");
        std::fs::write(&certificate, pem).unwrap();
        std::fs::write(&key, key_pem).unwrap();
        let read = ServerCertificate::open(&certificate, &key).unwrap();
        let day = Duration::from_secs(24 * 3600);
        assert_eq!((read.not_before, read.not_after()), (NOT_BEFORE, NOT_AFTER));
        assert_eq!(read.warning(NOT_BEFORE + day), None);
        assert!(read.warning(NOT_BEFORE - day).unwrap().contains("not valid yet"));
        assert!(read.warning(NOT_AFTER + day).unwrap().contains("expired"));
    }
}
