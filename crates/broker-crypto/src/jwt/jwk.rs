//! One public key of an issuer (RFC 7517 section 4), checked before it is ever used.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Algorithm;
use super::algorithm::{Curve, Verification};

/// The least RSA modulus, in bits (RFC 7518 section 3.3), and the largest that is verified.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The least RSA exponent (FIPS 186-5 section 5.4 (e)): 2^16 + 1, big-endian.
const LEAST_EXPONENT: [u8; 3] = [1, 0, 1];

/// A key as its issuer publishes it. Members that are not named here say nothing about verifying.
#[derive(Deserialize)]
pub(super) struct PublishedKey {
    pub(super) kty: String,
    pub(super) kid: Option<String>,
    alg: Option<String>,
    #[serde(rename = "use")]
    usage: Option<String>,
    key_ops: Option<Vec<String>>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
    d: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

/// A public key that verifies signatures.
#[derive(Debug, PartialEq)]
pub(super) struct Jwk {
    pub(super) kid: Option<String>,
    /// The only algorithm it may be used with, if its issuer says so.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Debug, PartialEq)]
enum Material {
    Rsa { modulus: Vec<u8>, exponent: Vec<u8> },
    Point(Curve, Vec<u8>),
}

impl PublishedKey {
    /// The key, or why it cannot verify a signature.
    pub(super) fn check(self) -> Result<Jwk, &'static str> {
        if self.d.is_some() || self.k.is_some() {
            return Err("it holds a secret: a published key must be a public one");
        }
        if self.usage.as_deref().is_some_and(|usage| usage != "sig") {
            return Err("its `use` is not `sig`");
        }
        if self.key_ops.as_ref().is_some_and(|ops| !ops.iter().any(|op| op == "verify")) {
            return Err("its `key_ops` has no `verify`");
        }
        let algorithm = match &self.alg {
            None => None,
            Some(name) => {
                Some(Algorithm::from_name(name).ok_or("its `alg` is no signature with a public key")?)
            }
        };
        let jwk = Jwk { material: self.material()?, algorithm, kid: self.kid };
        match algorithm {
            Some(algorithm) if !jwk.material.fits(algorithm) => Err("its `alg` does not go with its kind"),
            _ => Ok(jwk),
        }
    }

    fn material(&self) -> Result<Material, &'static str> {
        match (self.kty.as_str(), self.crv.as_deref()) {
            ("RSA", None) => rsa(bytes(&self.n)?, bytes(&self.e)?),
            ("EC", Some("P-256")) => point(Curve::P256, 32, bytes(&self.x)?, bytes(&self.y)?),
            ("EC", Some("P-384")) => point(Curve::P384, 48, bytes(&self.x)?, bytes(&self.y)?),
            ("OKP", Some("Ed25519")) => edwards_point(bytes(&self.x)?),
            _ => Err("its kind or curve is not supported"),
        }
    }
}

fn bytes(member: &Option<String>) -> Result<Vec<u8>, &'static str> {
    let text = member.as_ref().ok_or("a member that its kind needs is missing")?;
    URL_SAFE_NO_PAD.decode(text).map_err(|_| "a member is not base64url without padding")
}

/// RFC 7518 section 6.3.1: without leading zeros.
fn rsa(modulus: Vec<u8>, exponent: Vec<u8>) -> Result<Material, &'static str> {
    let leading = modulus.first().map_or(8, |byte| byte.leading_zeros() as usize);
    if leading == 8 || exponent.first().is_none_or(|byte| *byte == 0) {
        return Err("its RSA modulus or exponent is empty or begins with a zero");
    }
    if !RSA_BITS.contains(&(modulus.len() * 8 - leading)) {
        return Err("its RSA modulus is not of 2048 to 8192 bits");
    }
    let too_small = (exponent.len(), exponent.as_slice()) < (LEAST_EXPONENT.len(), LEAST_EXPONENT.as_slice());
    // ring verifies with exponents of at most 33 bits.
    if too_small || exponent.len() > 4 || exponent.last().is_none_or(|byte| byte % 2 == 0) {
        return Err("its RSA exponent is even, less than 65537, or longer than 32 bits");
    }
    Ok(Material::Rsa { modulus, exponent })
}

/// Uncompressed (SEC 1 section 2.3.3). That it lies on the curve is checked at each use.
fn point(curve: Curve, length: usize, x: Vec<u8>, y: Vec<u8>) -> Result<Material, &'static str> {
    match x.len() == length && y.len() == length {
        true => Ok(Material::Point(curve, [&[4], x.as_slice(), y.as_slice()].concat())),
        false => Err("its coordinates have another length than its curve's"),
    }
}

fn edwards_point(x: Vec<u8>) -> Result<Material, &'static str> {
    match x.len() {
        32 => Ok(Material::Point(Curve::Ed25519, x)),
        _ => Err("its coordinates have another length than its curve's"),
    }
}

impl Jwk {
    /// Whether signatures of this algorithm may be verified with it.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        self.algorithm.is_none_or(|only| only == algorithm) && self.material.fits(algorithm)
    }

    /// Whether this key made the signature. Never, for an algorithm that it does not fit.
    pub(super) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.fits(algorithm) && self.material.verifies(algorithm, message, signature)
    }
}

impl Material {
    fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { .. }, Verification::Rsa(_)) => true,
            (Self::Point(curve, _), Verification::Point(needed, _)) => *curve == needed,
            _ => false,
        }
    }

    fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { modulus, exponent }, Verification::Rsa(parameters)) => {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, message, signature).is_ok()
            }
            (Self::Point(curve, point), Verification::Point(needed, verification)) if *curve == needed => {
                UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}
