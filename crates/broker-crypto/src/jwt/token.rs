//! A signed token in its compact form (RFC 7515 section 7.1).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::claims::Claims;
use super::{Algorithm, JwkSet, TokenRefused, TokenRules};

/// Longest token that is looked at, in bytes: many times that of a service account, and within what HTTP/2 headers may
/// take altogether.
pub const LONGEST_TOKEN: usize = 8 * 1024;

/// A token that was read and not verified: nothing it says is believed.
pub struct SignedToken<'t> {
    header: Header,
    claims: Claims,
    signed: &'t [u8],
    signature: Vec<u8>,
}

/// Whom a verified token names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The claim that names the caller.
    pub subject: String,
    /// When the token stops being accepted, leeway included, in seconds since the Unix epoch.
    pub expires_at: i64,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

impl<'t> SignedToken<'t> {
    /// Reads a token.
    pub fn parse(token: &'t str) -> Result<Self, TokenRefused> {
        if token.len() > LONGEST_TOKEN {
            return Err(TokenRefused::TooLong);
        }
        let not_three = TokenRefused::Malformed("it has not three parts");
        let (signed, signature) = token.rsplit_once('.').ok_or(not_three)?;
        let (header, claims) = signed.split_once('.').ok_or(not_three)?;
        let header = serde_json::from_slice(&decode(header)?)
            .map_err(|_| TokenRefused::Malformed("its header is no JSON object with `alg`"))?;
        Ok(Self {
            header,
            claims: Claims::parse(&decode(claims)?)?,
            signed: signed.as_bytes(),
            signature: decode(signature)?,
        })
    }

    /// Who the token says has signed it: good for choosing whose keys and rules to verify it by, and for nothing else.
    pub fn claimed_issuer(&self) -> Option<&str> {
        self.claims.issuer()
    }

    /// Whom the token names, if a key of the issuer signed it and the rules hold at `now`, in seconds since the Unix
    /// epoch.
    pub fn verify(&self, keys: &JwkSet, rules: &TokenRules, now: i64) -> Result<Verified, TokenRefused> {
        let algorithm = self.header.check(&rules.algorithms)?;
        keys.verify(self.header.kid.as_deref(), algorithm, self.signed, &self.signature)?;
        let subject = self.claims.check(rules, now)?;
        Ok(Verified { subject: subject.name, expires_at: subject.expires_at })
    }
}

/// Strict: no padding, no character of another alphabet, no bits left over. So two texts are never the same token.
fn decode(part: &str) -> Result<Vec<u8>, TokenRefused> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenRefused::Malformed("a part is not base64url"))
}

impl Header {
    /// The algorithm, if everything about the header is acceptable.
    fn check(&self, allowed: &[Algorithm]) -> Result<Algorithm, TokenRefused> {
        if self.crit.is_some() {
            return Err(TokenRefused::Critical);
        }
        if !self.typ.as_deref().is_none_or(names_a_token) {
            return Err(TokenRefused::WrongType);
        }
        let algorithm = Algorithm::from_name(&self.alg).filter(|algorithm| allowed.contains(algorithm));
        algorithm.ok_or(TokenRefused::AlgorithmNotAllowed)
    }
}

/// `JWT` (RFC 7519 section 5.1) or `at+jwt` (RFC 9068 section 2.1), with or without `application/`.
fn names_a_token(media_type: &str) -> bool {
    let lower = media_type.to_ascii_lowercase();
    matches!(lower.strip_prefix("application/").unwrap_or(&lower), "jwt" | "at+jwt")
}
