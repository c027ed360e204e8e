//! A certificate authority of the tests' own.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use time::{Duration, OffsetDateTime};

/// Signs whatever it is asked to.
pub struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A certificate and its key, PEM.
#[derive(Clone)]
pub struct Identity {
    /// The certificate, and those between it and its authority.
    pub certificate: String,
    /// Its private key.
    pub key: String,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// One that nobody believes yet.
    pub fn new() -> Self {
        Self(CertifiedIssuer::self_signed(Self::params(), KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority below this one.
    pub fn below(&self) -> Self {
        Self(CertifiedIssuer::signed_by(Self::params(), KeyPair::generate().unwrap(), &self.0).unwrap())
    }

    fn params() -> CertificateParams {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let mut params = dated();
        let name = format!("authority {}", COUNT.fetch_add(1, Ordering::Relaxed));
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        params
    }

    /// Its own certificate.
    pub fn pem(&self) -> String {
        self.0.pem()
    }

    /// The identity of a server on this machine.
    pub fn server(&self) -> Identity {
        let mut params = dated();
        params.subject_alt_names = vec![SanType::DnsName("localhost".try_into().unwrap())];
        self.sign(&params)
    }

    /// The identity of a workload.
    pub fn workload(&self, id: &str) -> Identity {
        self.workload_with(id, |_| {})
    }

    /// The same, changed.
    pub fn workload_with(&self, id: &str, change: impl FnOnce(&mut CertificateParams)) -> Identity {
        let mut params = dated();
        params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages =
            vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        change(&mut params);
        self.sign(&params)
    }

    fn sign(&self, params: &CertificateParams) -> Identity {
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap().pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

/// Valid since yesterday, until tomorrow.
fn dated() -> CertificateParams {
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (days_from_now(-1), days_from_now(1));
    params
}

/// A day as certificates name it.
#[expect(clippy::disallowed_methods, reason = "the broker under test runs on the machine's clock")]
pub fn days_from_now(days: i64) -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::days(days)
}
