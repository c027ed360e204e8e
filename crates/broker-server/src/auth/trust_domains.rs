//! Whether a certificate is that of a workload of a trust domain we know.

use broker_core::Principal;
use rustls::pki_types::{CertificateDer, UnixTime};

use super::spiffe_id::TrustDomain;
use super::svid::{NotSvid, read_id};
use super::trust_bundle::TrustBundle;
use super::watched::Watched;

/// The trust domains of the configuration, each with its own authorities.
pub(super) struct TrustDomains(Vec<(TrustDomain, Watched<TrustBundle>)>);

/// A certificate that was found good.
#[derive(Debug, Clone)]
pub(super) struct Accepted {
    /// The SPIFFE id in it.
    pub(super) principal: Principal,
    /// Whose authorities signed it, and which version of them.
    pub(super) bundle: BundleVersion,
}

/// A version of the bundle of one trust domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BundleVersion {
    domain: usize,
    number: u64,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum CertificateRefused {
    /// It names no workload.
    #[error("the client certificate is no X.509 SVID: {0}")]
    NotSvid(#[from] NotSvid),
    /// Its id is longer than a principal may be.
    #[error("the SPIFFE id in the client certificate is longer than 512 bytes")]
    TooLong,
    /// Another trust domain.
    #[error("the client certificate is of a trust domain that is not configured")]
    UnknownTrustDomain,
    /// No authority of its trust domain signed it, or it is out of its time, or not meant for clients.
    #[error("the client certificate does not verify: {0}")]
    NotVerified(#[source] rustls::Error),
}

impl TrustDomains {
    pub(super) fn new(domains: Vec<(TrustDomain, Watched<TrustBundle>)>) -> Self {
        Self(domains)
    }

    /// The bundles.
    pub(super) fn bundles(&self) -> impl Iterator<Item = &Watched<TrustBundle>> {
        self.0.iter().map(|(_, bundle)| bundle)
    }

    /// Whether this is the version of now.
    pub(super) fn is_current(&self, version: BundleVersion) -> bool {
        self.0[version.domain].1.current().number == version.number
    }

    /// Reads whom the certificate names, and has it verified by the authorities of that trust domain and no others: each
    /// may vouch for its own workloads only (X509-SVID section 5.2).
    pub(super) fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<Accepted, CertificateRefused> {
        let (principal, domain) = read_id(certificate, |id| {
            let known = self.0.iter().position(|(name, _)| name.as_str() == id.trust_domain());
            (Principal::new(id.as_str()), known)
        })?;
        let domain = domain.ok_or(CertificateRefused::UnknownTrustDomain)?;
        let bundle = self.0[domain].1.current();
        let verified = bundle.value.verifier.verify_client_cert(certificate, intermediates, now);
        verified.map_err(CertificateRefused::NotVerified)?;
        Ok(Accepted {
            principal: principal.ok_or(CertificateRefused::TooLong)?,
            bundle: BundleVersion { domain, number: bundle.number },
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::LazyLock;
    use std::time::Duration;

    use broker_core::Timestamp;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa};

    use super::*;
    use crate::auth::server_tls::unix_time;
    use crate::auth::testing::{Authority, NOT_AFTER, NOT_BEFORE};

    const ID: &str = "spiffe://prod.example/recorder";
    const DAY: Duration = Duration::from_secs(24 * 3600);

    /// `prod.example` and `lab.example`, each with an authority.
    struct Setting {
        directory: tempfile::TempDir,
        prod: Authority,
        lab: Authority,
        domains: TrustDomains,
    }

    impl Setting {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let (prod, lab) = (Authority::new(), Authority::new());
            let domain = |name: &str, authority: &Authority| {
                let path = directory.path().join(name);
                std::fs::write(&path, authority.pem()).unwrap();
                (TrustDomain::new(name).unwrap(), TrustBundle::watch(name, &path).unwrap())
            };
            let domains = vec![domain("prod.example", &prod), domain("lab.example", &lab)];
            Self { domains: TrustDomains::new(domains), directory, prod, lab }
        }

        fn bundle(&self, name: &str) -> std::path::PathBuf {
            Path::join(self.directory.path(), name)
        }

        fn verify(&self, certificate: &CertificateDer<'_>) -> Result<String, CertificateRefused> {
            self.verify_at(NOT_BEFORE + DAY, certificate, &[])
        }

        fn verify_at(
            &self,
            now: Timestamp,
            certificate: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
        ) -> Result<String, CertificateRefused> {
            let accepted = self.domains.verify(certificate, intermediates, unix_time(now))?;
            Ok(accepted.principal.to_string())
        }

        #[track_caller]
        fn refuses(&self, certificate: &CertificateDer<'_>, told: &str) {
            let refused = self.verify(certificate).unwrap_err();
            assert!(refused.to_string().contains(told), "{refused}");
        }
    }

    #[test]
    fn an_authority_vouches_for_its_own_trust_domain_only() {
        let setting = Setting::new();
        assert_eq!(setting.verify(&setting.prod.svid(ID)).unwrap(), ID);
        setting.refuses(&setting.lab.svid(ID), "UnknownIssuer");
        setting.refuses(&Authority::new().svid(ID), "UnknownIssuer");
        setting.refuses(&setting.prod.svid("spiffe://other.example/recorder"), "not configured");
        setting.refuses(&setting.prod.svid("spiffe://prod.example.evil/recorder"), "not configured");
    }

    #[test]
    fn a_certificate_has_its_time() {
        let setting = Setting::new();
        let svid = setting.prod.svid(ID);
        for (now, told) in [(NOT_AFTER + DAY, "expired"), (NOT_BEFORE - DAY, "not valid yet")] {
            let refused = setting.verify_at(now, &svid, &[]).unwrap_err();
            assert!(refused.to_string().contains(told), "{refused}");
        }
    }

    #[test]
    fn authorities_between_come_along() {
        let setting = Setting::new();
        let below = setting.prod.below();
        let svid = below.svid(ID);
        setting.refuses(&svid, "UnknownIssuer");
        assert_eq!(setting.verify_at(NOT_BEFORE + DAY, &svid, &[below.der()]).unwrap(), ID);
    }

    #[test]
    fn what_is_meant_for_something_else_is_refused() {
        let setting = Setting::new();
        let with = |change: fn(&mut CertificateParams)| setting.prod.svid_with(ID, change);
        setting.refuses(
            &with(|params| params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth]),
            "does not verify",
        );
        setting.refuses(
            &with(|params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained)),
            "an authority",
        );
        setting.refuses(&with(|params| params.subject_alt_names.clear()), "0 URI names");
        setting.refuses(&setting.prod.der(), "an authority");
        let long = format!("spiffe://prod.example/{}", "p".repeat(600));
        assert_eq!(setting.verify(&setting.prod.svid(&long)), Err(CertificateRefused::TooLong));
    }

    #[tokio::test]
    async fn a_changed_bundle_counts_at_once() {
        let setting = Setting::new();
        let (old, new) = (setting.prod.svid(ID), Authority::new());
        let at = unix_time(NOT_BEFORE + DAY);
        let accepted = setting.domains.verify(&old, &[], at).unwrap();
        assert!(setting.domains.is_current(accepted.bundle));

        std::fs::write(setting.bundle("prod.example"), new.pem()).unwrap();
        for bundle in setting.domains.bundles() {
            bundle.look().await;
        }

        assert!(!setting.domains.is_current(accepted.bundle));
        setting.refuses(&old, "UnknownIssuer");
        assert_eq!(setting.verify(&new.svid(ID)).unwrap(), ID);
        assert_eq!(
            setting.verify(&setting.lab.svid("spiffe://lab.example/x")).unwrap(),
            "spiffe://lab.example/x"
        );
    }

    proptest! {
        #[test]
        fn a_certificate_with_any_other_byte_never_verifies(at in any::<Index>(), byte in any::<u8>()) {
            static GOOD: LazyLock<(TrustDomains, CertificateDer<'static>)> = LazyLock::new(|| {
                let Setting { domains, prod, .. } = Setting::new();
                (domains, prod.svid(ID))
            });
            let (domains, svid) = &*GOOD;
            let mut changed = svid.to_vec();
            let at = at.index(changed.len());
            prop_assume!(changed[at] != byte);
            changed[at] = byte;
            prop_assert!(domains.verify(&changed.into(), &[], unix_time(NOT_BEFORE + DAY)).is_err());
        }
    }

    #[test]
    fn a_bundle_that_is_none_is_refused_by_name() {
        let setting = Setting::new();
        let path = setting.bundle("bad.pem");
        assert!(TrustBundle::open(&path).err().unwrap().contains("bad.pem: No such file"));
        for (text, told) in [
            ("", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "bad.pem: "),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n", "not PEM"),
        ] {
            std::fs::write(&path, text).unwrap();
            let problem = TrustBundle::open(&path).err().unwrap();
            assert!(problem.contains(told), "{text}: {problem}");
        }
    }
}
