//! Authorities for tests.

use std::sync::atomic::{AtomicUsize, Ordering};

use broker_core::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;
use time::OffsetDateTime;

/// When what an authority signs begins and ends.
pub(super) const NOT_BEFORE: Timestamp = Timestamp::from_unix_seconds(1_700_000_000);
pub(super) const NOT_AFTER: Timestamp = Timestamp::from_unix_seconds(1_800_000_000);

/// An authority that signs whatever it is asked to.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let params = Self::params();
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// An authority below this one.
    pub(super) fn below(&self) -> Self {
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
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// The certificate and the key of a server.
    pub(super) fn server(&self, name: &str) -> (String, String) {
        let mut params = dated();
        params.subject_alt_names = vec![SanType::DnsName(name.try_into().unwrap())];
        let key = KeyPair::generate().unwrap();
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }

    /// The certificate of a workload and its key (PKCS #8).
    pub(super) fn workload(&self, id: &str) -> (CertificateDer<'static>, Vec<u8>) {
        let key = KeyPair::generate().unwrap();
        (svid(id).signed_by(&key, &self.0).unwrap().der().clone(), key.serialize_der())
    }

    /// The certificate of a workload.
    pub(super) fn svid(&self, id: &str) -> CertificateDer<'static> {
        self.svid_with(id, |_| {})
    }

    /// The same, changed.
    pub(super) fn svid_with(
        &self,
        id: &str,
        change: impl FnOnce(&mut CertificateParams),
    ) -> CertificateDer<'static> {
        let mut params = svid(id);
        change(&mut params);
        params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap().der().clone()
    }
}

fn svid(id: &str) -> CertificateParams {
    let mut params = dated();
    params.subject_alt_names = vec![SanType::URI(id.try_into().unwrap())];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

fn dated() -> CertificateParams {
    let date = |at: Timestamp| OffsetDateTime::from_unix_timestamp(at.as_unix_micros() / 1_000_000).unwrap();
    let mut params = CertificateParams::default();
    (params.not_before, params.not_after) = (date(NOT_BEFORE), date(NOT_AFTER));
    params
}
