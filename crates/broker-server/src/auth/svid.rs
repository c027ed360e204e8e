//! X.509 SVIDs (X509-SVID sections 2 to 5): certificates that name a workload.

use x509_cert::Certificate;
use x509_cert::der::Decode;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage, SubjectAltName};

use super::spiffe_id::{NotSpiffe, SpiffeId};

/// Why a certificate names no workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotSvid {
    #[error("it cannot be read")]
    Unreadable,
    #[error("it has {0} URI names, not one")]
    UriNames(usize),
    #[error("its URI name {0}")]
    Spiffe(#[from] NotSpiffe),
    #[error("it is the certificate of an authority")]
    Authority,
    #[error("its key is not meant for digital signatures, or for signing certificates too")]
    KeyUsage,
}

/// Gives the SPIFFE id in a certificate (DER) to `with`. That somebody trusted signed the certificate is not looked at.
pub(super) fn read_id<T>(der: &[u8], with: impl FnOnce(&SpiffeId<'_>) -> T) -> Result<T, NotSvid> {
    let certificate = Certificate::from_der(der).map_err(|_| NotSvid::Unreadable)?;
    let contents = certificate.tbs_certificate();
    let unreadable = |_| NotSvid::Unreadable;
    if let Some((_, constraints)) = contents.get_extension::<BasicConstraints>().map_err(unreadable)?
        && constraints.ca
    {
        return Err(NotSvid::Authority);
    }
    if let Some((_, usage)) = contents.get_extension::<KeyUsage>().map_err(unreadable)?
        && (!usage.digital_signature() || usage.key_cert_sign() || usage.crl_sign())
    {
        return Err(NotSvid::KeyUsage);
    }
    let names = contents.get_extension::<SubjectAltName>().map_err(unreadable)?;
    let names = names.map(|(_, names)| names.0).unwrap_or_default();
    Ok(with(&SpiffeId::parse(only_uri(&names)?)?))
}

/// X509-SVID section 2: exactly one URI name, beside any of other kinds.
fn only_uri(names: &[GeneralName]) -> Result<&str, NotSvid> {
    match names.iter().filter_map(uri).collect::<Vec<_>>().as_slice() {
        [only] => Ok(only),
        others => Err(NotSvid::UriNames(others.len())),
    }
}

fn uri(name: &GeneralName) -> Option<&str> {
    match name {
        GeneralName::UniformResourceIdentifier(uri) => Some(uri.as_str()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, KeyUsagePurpose, SanType};

    use super::*;

    const ID: &str = "spiffe://prod.example/recorder";

    fn read(change: impl FnOnce(&mut CertificateParams)) -> Result<String, NotSvid> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = vec![uri(ID)];
        change(&mut params);
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        read_id(certificate.der(), |id| id.as_str().to_owned())
    }

    fn uri(text: &str) -> SanType {
        SanType::URI(text.try_into().unwrap())
    }

    #[test]
    fn the_one_uri_name_is_the_id() {
        assert_eq!(read(|_| {}).unwrap(), ID);
        let dns = || SanType::DnsName("recorder.example".try_into().unwrap());
        assert_eq!(read(|params| params.subject_alt_names.insert(0, dns())).unwrap(), ID);
        assert_eq!(read(|params| params.key_usages = vec![KeyUsagePurpose::DigitalSignature]).unwrap(), ID);
        assert_eq!(read(|params| params.is_ca = IsCa::ExplicitNoCa).unwrap(), ID);
    }

    #[test]
    fn what_is_no_svid_is_refused() {
        use KeyUsagePurpose::{CrlSign, DigitalSignature, KeyCertSign, KeyEncipherment};
        let usages = |usages: &[KeyUsagePurpose]| {
            let usages = usages.to_vec();
            read(|params| params.key_usages = usages)
        };
        let names = |names: Vec<SanType>| read(|params| params.subject_alt_names = names);
        assert_eq!(names(vec![]), Err(NotSvid::UriNames(0)));
        assert_eq!(names(vec![uri(ID), uri(ID)]), Err(NotSvid::UriNames(2)));
        assert_eq!(names(vec![uri(ID), uri("https://a.example")]), Err(NotSvid::UriNames(2)));
        assert_eq!(names(vec![uri("https://a.example")]), Err(NotSvid::Spiffe(NotSpiffe::Scheme)));
        assert_eq!(names(vec![uri("spiffe://prod.example")]), Err(NotSvid::Spiffe(NotSpiffe::NoPath)));
        assert_eq!(usages(&[KeyEncipherment]), Err(NotSvid::KeyUsage));
        assert_eq!(usages(&[DigitalSignature, KeyCertSign]), Err(NotSvid::KeyUsage));
        assert_eq!(usages(&[DigitalSignature, CrlSign]), Err(NotSvid::KeyUsage));
        let authority = IsCa::Ca(BasicConstraints::Unconstrained);
        assert_eq!(read(|params| params.is_ca = authority), Err(NotSvid::Authority));
        assert_eq!(read_id(b"no certificate", |_| ()), Err(NotSvid::Unreadable));
    }
}
